// An upstream that takes a connection and drops it: a crash, its good right, or its answer, by when and what it had heard.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Failure } from '../../../src/core/failure.ts'
import type { PoolPolicy } from '../../../src/core/policy.ts'
import { blue, green, singleWriterPolicy, statelessPolicy } from '../../support/simulated-pool.ts'
import { closes, echoes, greets, resets, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { type RigOptions, TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
const begin = async (options: Partial<RigOptions> = {}): Promise<void> => {
  rig = await TcpRig.start({ blue: primary, green: standby, ...options })
}

beforeEach(async () => {
  primary = await TcpOrigin.vacant()
  standby = await TcpOrigin.start(echoes)
})
afterEach(() => rig.stop())

const HOLD = statelessPolicy.hold.time

describe('an upstream that takes the connection and drops it', () => {
  const dropping: readonly [string, typeof closes][] = [
    ['closes it', closes],
    ['resets it', resets],
  ]
  beforeEach(async () => {
    await primary.listen()
    standby.behave = greets('220 green')
  })

  test.each(dropping)('(%s) is left for the standby, unnoticed', async (_how, behave) => {
    primary.behave = behave
    await begin()
    const client = await rig.greeted('220 green')
    client.halfClose()
    standby.last?.socket.end()
    expect(await rig.record()).toMatchObject({ upstream: green, rescued: 'replay', error: null })
    expect(await rig.failures()).toEqual(['blue reset unsent'])
    expect(primary.connections).toHaveLength(1)
    expect(rig.ledger(blue).tunnels).toBe(0)
  })

  test('three times within 200 ms is probed', async () => {
    primary.behave = closes
    await begin()
    for (let count = 0; count < 2; count++) await rig.greeted('220 green')
    expect(rig.probed).toEqual([])
    await rig.greeted('220 green')
    expect(rig.probed).toEqual([blue])
    expect(rig.runtime.route.active).toBe(blue)
  })

  test('like the standby after it: the client is told the same, a close', async () => {
    primary.behave = closes
    standby.behave = closes
    await begin()
    const client = await rig.connect()
    expect(await client.closed()).toBe('end')
    expect((await rig.record()).error).toBe('upstream-closed')
    expect(rig.runtime.counters.lost.counts.size).toBe(0)
  })

  test('like the standby after it: the client is told the same, a reset', async () => {
    primary.behave = resets
    standby.behave = resets
    await begin()
    const client = await rig.connect()
    expect(await client.closed()).toBe('reset')
    expect((await rig.record()).error).toBe('upstream-reset')
    expect(rig.runtime.counters.lost.get('already-replayed')).toBe(1)
  })

  test('later than a crash would: a close is a close, and is passed on', async () => {
    primary.behave = silent
    await begin()
    const client = await rig.connect()
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    rig.clock.advance(201)
    primary.last?.socket.end()
    expect(await client.closed()).toBe('end')
    expect(standby.connections).toEqual([])
    expect(rig.ledger(blue).counters.failures.counts.size).toBe(0)
  })

  test('later than a crash would: a reset still is a failure, and the client never hears of it', async () => {
    primary.behave = silent
    await begin()
    const client = await rig.connect()
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    rig.clock.advance(5_000)
    primary.last?.reset()
    await client.signal.until(() => client.text === '220 green', 'the greeting of the other')
  })

  test.each(dropping)(
    '(%s) after the client has spoken is not replayed: it may have been heard',
    async (_how, behave) => {
      primary.behave = (connection) => connection.socket.once('data', () => behave(connection))
      await begin()
      const client = await rig.connect()
      await client.send('one order')
      expect(await client.closed()).toBe(behave === resets ? 'reset' : 'end')
      expect(standby.connections).toEqual([])
      expect(primary.connections.map(({ text }) => text)).toEqual(['one order'])
    },
  )

  test('because the client has left is not evidence', async () => {
    primary.behave = ({ socket }) => socket.on('end', () => socket.resetAndDestroy())
    await begin()
    for (let count = 0; count < 4; count++) {
      const client = await rig.connect()
      client.halfClose()
      await client.closed()
    }
    expect(rig.probed).toEqual([])
    expect(rig.ledger(blue).counters.failures.counts.size).toBe(0)
  })
})

test('with a single writer a dropped connection is held for the failover, not given to the standby', async () => {
  await primary.listen()
  primary.behave = closes
  const policy: PoolPolicy = singleWriterPolicy
  await begin({ policy })
  const client = await rig.connect()
  await rig.held(1)
  expect(standby.connections).toEqual([])
  // Nobody takes over: then to be closed on is what the client gets.
  rig.clock.advance(HOLD + 10)
  expect(await client.closed()).toBe('end')
  expect((await rig.record()).attempts.map(({ failure }) => failure)).toEqual([
    'reset unsent' satisfies `${Failure['kind']} ${Failure['phase']}`,
  ])
})
