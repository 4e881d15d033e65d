// A TCP listener from its first connection to its end.
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OwnAllowance } from '../../../src/core/allowance.ts'
import { blue } from '../../support/simulated-pool.ts'
import { echoes, greets, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig

beforeEach(async () => {
  primary = await TcpOrigin.start(greets('blue'))
  standby = await TcpOrigin.start(greets('green'))
})
afterEach(() => rig.stop())
const begin = async (connections = 100): Promise<void> => {
  rig = await TcpRig.start({ blue: primary, green: standby, listener: { connections: new OwnAllowance(connections) } })
}

/** Whether the port takes another connection. */
const accepts = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(rig.port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

describe('limits', () => {
  test('on connections turn the next one away, and let it in when another has left', async () => {
    await begin(2)
    const first = await rig.greeted('blue')
    await rig.greeted('blue')
    const third = await rig.connect()
    await third.closed()
    expect(rig.listener.turnedAway.connections).toBe(1)
    expect(rig.listener.open).toBe(2)
    first.reset()
    await rig.until(() => rig.listener.open === 1, 'the first to be gone')
    await rig.greeted('blue')
  })
})

describe('drain', () => {
  test('accepts no more, and waits until every session has ended by itself', async () => {
    primary.behave = echoes
    await begin()
    const client = await rig.connect()
    await client.send('one')
    await client.signal.until(() => client.text === 'one', 'the echo')
    let drained = false
    const draining = rig.listener.drain().then(() => {
      drained = true
    })
    expect(await accepts()).toBe(false)
    await client.send(' two')
    await client.signal.until(() => client.text === 'one two', 'the echo')
    expect(drained).toBe(false)
    client.halfClose()
    await draining
    expect(rig.listener.open).toBe(0)
  })

  test('ends when the sessions of the upstreams are closed, those in which nobody has spoken too', async () => {
    primary.behave = silent
    await begin()
    await rig.connect()
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    rig.command({ name: 'switchover', to: null })
    const draining = rig.listener.drain()
    for (const { id } of rig.runtime.state.upstreams) {
      for (const traffic of rig.ledger(id).traffic) traffic.closeTunnels(0)
    }
    await draining
    expect(standby.connections).toEqual([])
  })

  test('of a listener without sessions ends at once', async () => {
    await begin()
    await rig.listener.drain()
  })
})

test('kill ends everything at once: sessions, attempts, and those that wait', async () => {
  await begin()
  const talking = await rig.greeted('blue')
  primary.behave = silent
  const quiet = await rig.connect()
  await rig.until(() => rig.ledger(blue).tunnels === 2, 'both sessions')
  await Promise.all([primary.close(), standby.close()])
  const held = await rig.connect()
  await rig.until(() => rig.runtime.hold.size === 1, 'one to be held')
  rig.listener.kill()
  await Promise.all([talking, quiet, held].map((client) => client.closed()))
  expect([talking, quiet, held].map(({ ending }) => ending)).toEqual(['reset', 'reset', 'reset'])
  await rig.until(() => rig.listener.open === 0, 'all to be gone')
  expect(rig.ledger(blue)).toMatchObject({ inFlight: 0, tunnels: 0 })
  expect(rig.runtime.hold.size).toBe(0)
  expect(rig.records.map(({ error }) => error)).toEqual(['cut', 'cut', 'cut'])
})

test('closing the pool ends its sessions and connects nobody any more', async () => {
  await begin()
  const talking = await rig.greeted('blue')
  rig.pool.close()
  expect(await talking.closed()).toBe('reset')
  const late = connect(rig.port, '127.0.0.1')
  late.on('error', () => {})
  expect(await rig.record(1)).toMatchObject({ upstream: null, error: 'cut' })
  expect(primary.connections).toHaveLength(1)
  expect(standby.connections).toEqual([])
})

test('closing the pool ends its attempts too', async () => {
  primary.behave = silent
  const tls = { serverName: 'localhost', verify: false, ca: null, identity: null }
  rig = await TcpRig.start({ blue: primary, green: standby, tls })
  const client = await rig.connect()
  await primary.until(() => primary.last?.text !== '', 'the handshake to begin')
  rig.pool.close()
  expect(await client.closed()).toBe('reset')
  await primary.until(() => primary.last?.ending !== 'open', 'the attempt to be broken off')
  expect(rig.ledger(blue).inFlight).toBe(0)
})
