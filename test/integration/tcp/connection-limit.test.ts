// `maxConnections` of a TCP upstream: sessions. Whoever finds none free waits, and is no evidence against anyone.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { turns } from '../../support/signal.ts'
import { blue, green, statelessPolicy } from '../../support/simulated-pool.ts'
import { echoes, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { type RigOptions, TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
/** The most that the primary had open at a time. */
let peak = 0
const begin = async (options: Partial<RigOptions> = {}): Promise<void> => {
  rig = await TcpRig.start({ blue: primary, green: standby, maxConnections: 1, ...options })
}

beforeEach(async () => {
  peak = 0
  primary = await TcpOrigin.start((connection) => {
    const open = primary.connections.filter(({ ending }) => ending === 'open')
    // Once all that came before it has been read.
    turns(4).then(() => {
      peak = Math.max(peak, open.filter(({ ending }) => ending === 'open').length)
    })
    echoes(connection)
  })
  standby = await TcpOrigin.start(echoes)
})
afterEach(() => rig.stop())

/** Connected, and answered. */
async function session(word: string) {
  const client = await rig.connect()
  await client.send(word)
  await client.signal.until(() => client.text === word, `an echo of ${word}`)
  return client
}

test('a session waits for one that has ended, with what its client has said; first come, first served', async () => {
  await begin()
  const first = await session('first')
  const waiting = []
  for (const [index, word] of ['second', 'third'].entries()) {
    const client = await rig.connect()
    await client.send(word)
    waiting.push(client)
    await rig.held(index + 1)
  }
  first.destroy()
  const [second, third] = waiting
  await second?.signal.until(() => second.text === 'second', 'the echo of the second')
  await rig.held(1)
  expect(third?.text).toBe('')
  second?.destroy()
  await third?.signal.until(() => third.text === 'third', 'the echo of the third')
  expect(primary.connections.map(({ text }) => text)).toEqual(['first', 'second', 'third'])
  expect([peak, standby.connections.length]).toEqual([1, 0])
})

test('a burst of sessions is served, in as many connections as may be', async () => {
  await begin({ maxConnections: 4 })
  const words = Array.from({ length: 40 }, (_, nr) => `word ${nr}`)
  await Promise.all(
    words.map(async (word) => {
      const client = await session(word)
      client.halfClose()
      await client.closed()
    }),
  )
  expect(primary.connections).toHaveLength(40)
  expect(peak).toBeLessThanOrEqual(4)
})

test('one that has waited as long as it may is reset, and nothing of it is held against the upstream', async () => {
  await begin()
  const first = await session('first')
  const client = await rig.connect()
  await rig.held(1)
  rig.clock.advance(statelessPolicy.hold.time - 10)
  expect(client.ending).toBe('open')
  rig.clock.advance(20)
  expect(await client.closed()).toBe('reset')
  expect(await rig.record()).toMatchObject({ upstream: null, attempts: [], error: 'connection-limit' })
  expect(rig.runtime.counters.lost.get('connection-limit')).toBe(1)
  expect(rig.ledger(blue).counters.failures.counts.size).toBe(0)
  expect([rig.ledger(blue).inFlight, rig.ledger(blue).connections]).toEqual([0, { open: 1, max: 1 }])
  expect(rig.probed).toEqual([])
  await first.send('!')
  await first.signal.until(() => first.text === 'first!', 'the first to be served on')
})

test('one too many to wait is reset at once', async () => {
  await begin({ holdRequests: 0 })
  await session('first')
  // It may be so soon that the connect itself fails.
  await rig.connect().catch(() => {})
  expect((await rig.record()).error).toBe('connection-limit')
})

test('a client that leaves makes room for the next', async () => {
  await begin()
  const first = await session('first')
  const leaving = await rig.connect()
  await rig.held(1)
  const next = await rig.connect()
  await rig.held(2)
  leaving.reset()
  await rig.held(1)
  await next.send('next')
  first.destroy()
  await next.signal.until(() => next.text === 'next', 'the echo')
})

test('a failover sets those free who wait, for the new active', async () => {
  primary.behave = silent
  await begin({ maxConnections: 2 })
  await rig.connect()
  await rig.connect()
  await rig.until(() => primary.connections.length === 2, 'both to be connected')
  const client = await rig.connect()
  await client.send('one order')
  await rig.held(1)
  rig.command({ name: 'failover', force: true })
  await client.signal.until(() => client.text === 'one order', 'the echo')
  expect(rig.runtime.route.active).toBe(green)
  expect(primary.connections).toHaveLength(2)
})

test('a place that a failed attempt had is the next one’s', async () => {
  await primary.close()
  await begin({ policy: { ...statelessPolicy, failover: 'manual' } })
  for (let count = 0; count < 3; count++) expect(await (await rig.connect()).closed()).toBe('reset')
  await rig.until(() => rig.records.length === 3, 'three records')
  expect(rig.records.map(({ error, attempts }) => [error, attempts[0]?.failure])).toEqual(
    Array.from({ length: 3 }, () => ['no-upstream', 'refused connecting']),
  )
  expect(rig.ledger(blue).connections.open).toBe(0)
})
