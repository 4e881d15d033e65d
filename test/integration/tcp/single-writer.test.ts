// A switch of a single writer: every session ends before the new one hears anything, and there are never two.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blue, green, singleWriterPolicy, statelessPolicy } from '../../support/simulated-pool.ts'
import { settled } from '../../support/streaming-origin.ts'
import { echoes, greets, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { type RigOptions, TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
const { upgrade } = statelessPolicy.drain
const begin = async (options: Partial<RigOptions> = {}): Promise<void> => {
  rig = await TcpRig.start({ blue: primary, green: standby, options: { idle: 10 * upgrade }, ...options })
}

beforeEach(async () => {
  primary = await TcpOrigin.start(greets('blue'))
  standby = await TcpOrigin.start(greets('green'))
})
afterEach(() => rig.stop())

describe('with a single writer', () => {
  const promoting = { ...singleWriterPolicy, hooks: { fence: false, promote: true, timeout: 10_000 } }

  test('a failover cuts every session before the new one is asked anything, and holds who comes meanwhile', async () => {
    await begin({ policy: promoting })
    const clients = await rig.greetedBy('blue', 3)
    rig.fails(blue)
    expect(rig.ledger(blue).tunnels).toBe(0)
    await Promise.all(clients.map((client) => client.closed()))
    await primary.until(() => primary.connections.every(({ ending }) => ending !== 'open'), 'the old one to be cut off')
    const waiting = await rig.connect()
    await rig.until(() => rig.runtime.hold.size === 1, 'the new client to be held')
    expect(standby.connections).toEqual([])
    rig.hooks[0]?.finish({ ok: true, detail: '' })
    await rig.until(() => rig.runtime.state.phase === 'switching' && rig.probed.includes(green), 'the verification')
    expect(standby.connections).toEqual([])
    rig.passes(green)
    await waiting.signal.until(() => waiting.text === 'green', 'its greeting')
  })

  test('what was on its way to the old one when it was cut does not arrive there any more', async () => {
    primary.behave = ({ socket }) => {
      socket.write('blue')
      socket.pause()
    }
    await begin({ policy: promoting })
    const [client] = await rig.greetedBy('blue', 1)
    client?.socket.write(Buffer.alloc(64 * 1_048_576, 'order'))
    // All buffers between here and there are full once the proxy has nothing more to read.
    expect(await settled(() => rig.ledger(blue).counters.bytesIn)).toBeGreaterThan(0)
    rig.fails(blue)
    await client?.closed()
    primary.last?.socket.resume()
    await primary.until(() => primary.last?.ending !== 'open', 'the old one to notice')
    expect(primary.last?.ending).toBe('reset')
  })

  test('a planned switch cuts them in its drain, and moves those in which nobody has spoken', async () => {
    primary.behave = silent
    await begin({ policy: singleWriterPolicy })
    const quiet = await rig.connect()
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the quiet session')
    primary.behave = greets('blue')
    const [busy] = await rig.greetedBy('blue', 1)
    rig.command({ name: 'switchover', to: null })
    expect(rig.ledger(blue).tunnels).toBe(0)
    expect(await busy?.closed()).toBe('reset')
    expect(rig.runtime.hold.size).toBe(1)
    expect(standby.connections).toEqual([])
    rig.passes(green)
    await quiet.signal.until(() => quiet.text === 'green', 'its greeting')
    expect(rig.runtime.state).toMatchObject({ phase: 'serving', active: green })
  })

  test('a session that had to wait when it came may wait as long again for the switch', async () => {
    primary.behave = silent
    await begin({ policy: promoting })
    rig.command({ name: 'switchover', to: null })
    const client = await rig.connect()
    await rig.until(() => rig.runtime.hold.size === 1, 'it to be held')
    rig.clock.advance(promoting.hold.time - 100)
    rig.hooks[0]?.finish({ ok: false, detail: 'not today' })
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    rig.clock.advance(6_000)
    rig.command({ name: 'switchover', to: null })
    expect(rig.runtime.hold.size).toBe(1)
    rig.clock.advance(promoting.hold.time - 100)
    expect(client.ending).toBe('open')
  })

  test('a switch that is given up lets the held go to the old one', async () => {
    await begin({ policy: promoting })
    rig.command({ name: 'switchover', to: null })
    const client = await rig.connect()
    await rig.until(() => rig.runtime.hold.size === 1, 'the client to be held')
    rig.hooks[0]?.finish({ ok: false, detail: 'not today' })
    await client.signal.until(() => client.text === 'blue', 'its greeting')
    expect(standby.connections).toEqual([])
  })

  test('a session still connecting when the switch begins never reaches the old one', async () => {
    const tls = { serverName: 'localhost', verify: false, ca: null, identity: null }
    await Promise.all([primary.stop(), standby.stop()])
    primary = await TcpOrigin.start(echoes, { secure: true })
    standby = await TcpOrigin.start(echoes, { secure: true })
    await begin({ policy: singleWriterPolicy, tls })
    const client = await rig.connect()
    await client.send('one order')
    await rig.until(() => rig.ledger(blue).inFlight === 1, 'the attempt')
    rig.command({ name: 'switchover', to: null })
    // The drain waits for the attempt, which gives up what it has connected: nothing is established in a drain.
    await rig.until(() => rig.ledger(blue).inFlight === 0, 'the attempt to be over')
    expect(rig.ledger(blue).tunnels).toBe(0)
    rig.passes(green)
    await client.signal.until(() => client.text === 'one order', 'the echo')
    expect(primary.connections.map(({ text }) => text).join('')).toBe('')
    expect(standby.connections.map(({ text }) => text)).toEqual(['one order'])
  })

  test('a failover takes a session that is still connecting to the old one to the new one', async () => {
    const tls = { serverName: 'localhost', verify: false, ca: null, identity: null }
    await standby.stop()
    primary.behave = silent
    standby = await TcpOrigin.start(echoes, { secure: true })
    await begin({ policy: promoting, tls })
    const client = await rig.connect()
    await client.send('one order')
    await primary.until(() => primary.last?.text !== '', 'the handshake to begin')
    rig.fails(blue)
    expect(rig.ledger(blue).inFlight).toBe(0)
    await primary.until(() => primary.last?.ending !== 'open', 'the attempt to be broken off')
    expect(rig.runtime.hold.size).toBe(1)
    rig.hooks[0]?.finish({ ok: true, detail: '' })
    await rig.until(() => rig.probed.includes(green), 'the verification')
    rig.passes(green)
    await client.signal.until(() => client.text === 'one order', 'the echo')
    expect(primary.connections).toHaveLength(1)
  })

  test('no byte reaches the standby before the last one to the old active, in a storm of sessions', async () => {
    primary.behave = echoes
    const order: string[] = []
    await begin({ policy: promoting })
    const writing = Array.from({ length: 20 }, async (_, index) => {
      const client = await rig.connect()
      while (client.ending === 'open') {
        await client.send(`${index} `)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    await primary.until(() => primary.connections.length === 20, 'all to be connected')
    standby.behave = ({ socket }) => {
      socket.on('data', () =>
        order.push(primary.connections.every(({ ending }) => ending !== 'open') ? 'after' : 'too soon'),
      )
    }
    rig.fails(blue)
    const late = await rig.connect()
    await late.send('late')
    rig.hooks[0]?.finish({ ok: true, detail: '' })
    await rig.until(() => rig.probed.includes(green), 'the verification')
    rig.passes(green)
    await standby.until(() => standby.last?.text === 'late', 'the first byte to the standby')
    for (const client of rig.clients) client.destroy()
    await Promise.all(writing)
    expect(new Set(order)).toEqual(new Set(['after']))
  })
})
