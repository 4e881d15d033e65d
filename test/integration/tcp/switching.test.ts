// What a change of the active does to sessions: cut, left to finish, or moved unnoticed.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RawClient } from '../../support/raw-client.ts'
import { blue, green, statelessPolicy } from '../../support/simulated-pool.ts'
import { greets, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { type RigOptions, TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
const { spread, upgrade } = statelessPolicy.drain
const begin = async (options: Partial<RigOptions> = {}): Promise<void> => {
  rig = await TcpRig.start({ blue: primary, green: standby, options: { idle: 10 * upgrade }, ...options })
}

beforeEach(async () => {
  primary = await TcpOrigin.start(greets('blue'))
  standby = await TcpOrigin.start(greets('green'))
})
afterEach(() => rig.stop())

const endings = (clients: readonly RawClient[]) => clients.map(({ ending }) => ending)
const finishing = { ...statelessPolicy, drain: { ...statelessPolicy.drain, failover: 'finish' } } as const

describe('a failover', () => {
  test('cuts the sessions of the old active one by one over the spread, each visibly', async () => {
    await begin()
    rig.randoms = [0.1, 0.5, 0.9]
    const clients = await rig.greetedBy('blue', 3)
    rig.fails(blue)
    expect(rig.runtime.route.active).toBe(green)
    expect(endings(clients)).toEqual(['open', 'open', 'open'])
    const order: number[] = []
    for (let step = 1; step <= 3; step++) {
      rig.clock.advance(spread * 0.4)
      await rig.until(() => rig.ledger(blue).tunnels === 3 - step, 'one to be cut')
      await rig.until(
        () => clients.filter(({ ending }) => ending === 'reset').length === step,
        'its client to hear of it',
      )
      order.push(step)
    }
    expect(order).toEqual([1, 2, 3])
    expect(rig.records.map(({ error }) => error)).toEqual(['cut', 'cut', 'cut'])
    await rig.greeted('green')
  })

  test('with `failover: finish` leaves them the time of a planned switch', async () => {
    await begin({ policy: finishing })
    const [client] = await rig.greetedBy('blue', 1)
    rig.fails(blue)
    rig.clock.advance(upgrade - 1_000)
    await client?.send('still here')
    await primary.until(() => primary.last?.text === 'still here', 'the old one to hear it')
    rig.clock.advance(1_000 + spread)
    expect(await client?.closed()).toBe('reset')
  })

  test('moves a session in which nobody has spoken, unnoticed', async () => {
    primary.behave = silent
    await begin()
    const client = await rig.connect()
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    rig.fails(blue)
    await client.signal.until(() => client.text === 'green', 'the greeting of the new one')
    expect(client.ending).toBe('open')
    client.halfClose()
    standby.last?.socket.end()
    expect(await rig.record()).toMatchObject({ upstream: green, epoch: 2, rescued: 'replay', error: null })
  })

  test('does not wait with that for the spread when the old one is dead', async () => {
    primary.behave = silent
    await begin({ policy: finishing })
    const client = await rig.connect()
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    rig.fails(blue)
    await client.signal.until(() => client.text === 'green', 'the greeting of the new one')
    expect((await rig.connect()).ending).toBe('open')
  })
})

describe('a planned switchover', () => {
  test('leaves sessions alone up to the drain deadline, then cuts them over the spread', async () => {
    await begin()
    const clients = await rig.greetedBy('blue', 2)
    expect(rig.command({ name: 'switchover', to: null })).toMatchObject({ ok: true })
    await rig.greeted('green')
    rig.clock.advance(upgrade - 1_000)
    await clients[0]?.send('x')
    await primary.until(() => primary.connections.some(({ text }) => text === 'x'), 'the old one to hear it')
    expect(endings(clients)).toEqual(['open', 'open'])
    rig.clock.advance(1_000 + spread)
    await Promise.all(clients.map((client) => client.closed()))
    expect(endings(clients)).toEqual(['reset', 'reset'])
    expect(rig.ledger(green).tunnels).toBe(1)
  })

  test('and back: the sessions that had stayed are the active’s again, and are not cut', async () => {
    await begin()
    const [client] = await rig.greetedBy('blue', 1)
    rig.command({ name: 'switchover', to: null })
    rig.command({ name: 'switchover', to: blue })
    rig.clock.advance(upgrade + spread)
    expect(client?.ending).toBe('open')
  })

  test('while a session is still connecting to the old active takes it to the new one', async () => {
    const tls = { serverName: 'localhost', verify: false, ca: null, identity: null }
    await Promise.all([primary.stop(), standby.stop()])
    primary = await TcpOrigin.start(greets('blue'), { secure: true })
    standby = await TcpOrigin.start(greets('green'), { secure: true })
    await begin({ tls })
    const client = await rig.connect()
    await rig.until(() => rig.ledger(blue).inFlight === 1, 'the attempt')
    rig.command({ name: 'switchover', to: null })
    await client.signal.until(() => client.text !== '', 'a greeting')
    expect(client.text).toBe('green')
    expect((await rig.ledger(blue)).tunnels).toBe(0)
  })
})
