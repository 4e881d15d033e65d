// What sessions tell the detection, and what they must not.
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blue, green } from '../../support/simulated-pool.ts'
import { echoes, TcpOrigin } from '../../support/tcp-origin.ts'
import { TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig

beforeEach(async () => {
  primary = await TcpOrigin.start(echoes)
  standby = await TcpOrigin.start(echoes)
  rig = await TcpRig.start({ blue: primary, green: standby })
})
afterEach(() => rig.stop())

async function talking(count: number) {
  const clients = await Promise.all(Array.from({ length: count }, () => rig.connect()))
  for (const client of clients) await client.send('hello')
  for (const client of clients) await client.signal.until(() => client.text === 'hello', 'the echo')
  return clients
}

describe('sessions reset by their upstream', () => {
  test('all at once ask for a probe, and its verdict is the only one', async () => {
    const clients = await talking(40)
    for (const connection of primary.connections) connection.reset()
    await Promise.all(clients.map((client) => client.closed()))
    expect(rig.probed).toEqual([blue])
    rig.clock.advance(10)
    expect(rig.probed).toEqual([blue, blue])
    expect(rig.runtime.route.active).toBe(blue)
    expect(rig.notices.map(({ type }) => type)).not.toContain('ejected')
    rig.fails(blue, 'reset')
    expect(rig.runtime.route.active).toBe(green)
  })

  test('two of them do not', async () => {
    const clients = await talking(2)
    for (const connection of primary.connections) connection.reset()
    await Promise.all(clients.map((client) => client.closed()))
    expect(rig.probed).toEqual([])
    expect(rig.ledger(blue).counters.failures.get('reset')).toBe(2)
  })
})

/** What is said to nobody draws a reset, and behind the end of the stream only saying more lets it show. */
function saysUntilReset(socket: Socket): boolean {
  socket.write('why?')
  return rig.ledger(blue).tunnels === 0
}

describe('sessions', () => {
  test('reset by their clients say nothing of the upstream', async () => {
    const clients = await talking(5)
    for (const client of clients) client.reset()
    await rig.until(() => rig.records.length === 5, 'all to have ended')
    expect(rig.records.map(({ error }) => error)).toEqual(new Array(5).fill('client-gone'))
    await primary.until(() => primary.open.length === 0, 'the upstream to hear of it')
    expect(rig.probed).toEqual([])
    expect(rig.ledger(blue).counters.failures.counts.size).toBe(0)
    expect(rig.ledger(blue).tunnels).toBe(0)
  })

  test('cut by us say nothing of the upstream', async () => {
    const clients = await talking(5)
    for (const traffic of rig.ledger(blue).traffic) traffic.closeTunnels(0)
    await Promise.all(clients.map((client) => client.closed()))
    await rig.until(() => rig.records.length === 5, 'all to have ended')
    expect(rig.probed).toEqual([])
    expect(rig.ledger(blue).counters.failures.counts.size).toBe(0)
  })

  test('that the upstream had ended before their reset say nothing of it', async () => {
    primary.behave = ({ socket }) => {
      socket.end('that is all')
      socket.once('data', () => socket.destroy())
    }
    for (let count = 0; count < 4; count++) {
      const client = await rig.connect()
      await client.closed()
      client.socket.write('but why?')
      await primary.until(() => primary.last?.closed, 'the upstream to be gone')
      await rig.until(() => saysUntilReset(client.socket), 'the reset')
      client.halfClose()
    }
    await rig.until(() => rig.records.length === 4, 'all to have ended')
    expect(rig.probed).toEqual([])
    expect(rig.ledger(blue).counters.failures.counts.size).toBe(0)
    expect(rig.records.map(({ error }) => error)).toEqual(new Array(4).fill(null))
  })

  test('prove by any byte that their upstream lives', async () => {
    const [client] = await talking(1)
    const { evidence } = rig.ledger(blue)
    rig.clock.advance(1_000)
    const before = evidence.lastByteAt
    await client?.send(' again')
    await client?.signal.until(() => client.text === 'hello again', 'the echo')
    expect(evidence.lastByteAt).toBe(before + 1_000)
  })

  test('never count as traffic that is fine: a probe that fails is believed, however many greet', async () => {
    await talking(30)
    rig.fails(blue, 'timeout')
    expect(rig.runtime.route.active).toBe(green)
  })
})

test('the time of a switch ends with the first byte of the new active', async () => {
  standby.behave = () => {}
  rig.fails(blue)
  rig.clock.advance(100)
  const client = await rig.connect()
  await client.send('hello')
  await standby.until(() => standby.last?.text === 'hello', 'the words')
  expect(rig.runtime.counters.switchDurations.count).toBe(0)
  standby.last?.say('yes?')
  await client.signal.until(() => client.text === 'yes?', 'the answer')
  expect(rig.runtime.counters.switchDurations.count).toBe(1)
})
