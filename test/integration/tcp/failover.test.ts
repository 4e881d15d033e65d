// The upstream that should take a session cannot: as long as it has heard nothing of the client, another one does.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blue, green, singleWriterPolicy, statelessPolicy } from '../../support/simulated-pool.ts'
import { echoes, greets, TcpOrigin } from '../../support/tcp-origin.ts'
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

describe('a dead primary', () => {
  test('is not noticed: what the client has said meanwhile arrives at the standby, once', async () => {
    await begin()
    const client = await rig.connect()
    await client.send('first words', [3, 6])
    await client.signal.until(() => client.text === 'first words', 'the echo')
    expect(standby.connections.map(({ text }) => text)).toEqual(['first words'])
    client.halfClose()
    await client.closed()
    expect(await rig.record()).toMatchObject({ upstream: green, rescued: 'replay', error: null })
    expect(await rig.failures()).toEqual(['blue refused connecting'])
    expect(rig.runtime.counters.rescued.get('replay')).toBe(1)
    expect(rig.ledger(blue)).toMatchObject({ inFlight: 0, tunnels: 0 })
    expect(rig.ledger(blue).counters.failures.get('refused')).toBe(1)
  })

  test('is not noticed by a client that waits for the server to speak first', async () => {
    standby.behave = greets('220 green')
    await begin()
    await rig.greeted('220 green')
  })

  test('and a client that has finished before anybody took it: words and end arrive at the standby', async () => {
    standby.behave = ({ socket }) => {
      socket.on('end', () => socket.end('heard'))
    }
    await begin()
    const client = await rig.connect()
    client.socket.end('all I have to say')
    expect(await client.closed()).toBe('end')
    expect(client.text).toBe('heard')
    expect(standby.last?.text).toBe('all I have to say')
  })

  test('asks for a probe at the first sign, and the second one is the conviction', async () => {
    await begin()
    await rig.connect()
    await rig.until(() => standby.connections.length === 1, 'the first session')
    expect(rig.probed).toContain(blue)
    expect(rig.runtime.route.active).toBe(blue)
    rig.clock.advance(5)
    await rig.connect()
    await rig.until(() => rig.runtime.route.active === green, 'the failover')
    expect(rig.notices.map(({ type }) => type)).toContain('failover')
  })
})

describe('an upstream that does not answer the connect', () => {
  // It accepts, as every kernel does, and never says a word of its handshake, which is part of connecting.
  const tls = { serverName: 'localhost', verify: false, ca: null, identity: null }
  beforeEach(async () => {
    await primary.listen()
    await standby.stop()
    standby = await TcpOrigin.start(echoes, { secure: true })
  })

  test('is given up after the connect timeout, and that is no evidence of a crash', async () => {
    await begin({ tls })
    const client = await rig.connect()
    await client.send('hello')
    await primary.until(() => primary.last?.text !== '', 'the handshake to begin')
    rig.clock.advance(350)
    expect(standby.connections).toEqual([])
    rig.clock.advance(150)
    await client.signal.until(() => client.text === 'hello', 'the echo')
    client.halfClose()
    expect(await rig.failures()).toEqual(['blue timeout connecting'])
    await primary.until(() => primary.last?.ending !== 'open', 'the attempt to be closed')
    expect(rig.probed).toEqual([])
  })

  test('is given up at once when it is convicted', async () => {
    await begin({ tls })
    const client = await rig.connect()
    await client.send('hello')
    await primary.until(() => primary.last?.text !== '', 'the handshake to begin')
    rig.fails(blue)
    await client.signal.until(() => client.text === 'hello', 'the echo')
    client.halfClose()
    expect(await rig.failures()).toEqual(['blue hang connecting'])
  })
})

describe('nobody', () => {
  beforeEach(async () => {
    await standby.close()
  })

  test('takes it: the client is reset once it has waited as long as it may', async () => {
    await begin()
    const client = await rig.connect()
    await client.send('hello?')
    await rig.held(1)
    rig.clock.advance(HOLD - 10)
    expect(client.ending).toBe('open')
    rig.clock.advance(20)
    expect(await client.closed()).toBe('reset')
    expect(await rig.record()).toMatchObject({ upstream: null, rescued: null, error: 'no-upstream', bytesIn: 6 })
    expect(await rig.failures()).toEqual(['blue refused connecting', 'green refused connecting'])
    expect(rig.runtime.counters.lost.get('no-upstream')).toBe(1)
    expect(rig.runtime.counters.rescued.counts.size).toBe(0)
  })

  test('takes it, and nothing can change by itself: the client is reset at once', async () => {
    await begin({ policy: { ...statelessPolicy, failover: 'manual' } })
    const client = await rig.connect()
    expect(await client.closed()).toBe('reset')
    expect((await rig.record()).error).toBe('no-upstream')
  })

  test('takes it, and nobody may wait: the client is reset at once', async () => {
    await begin({ holdRequests: 0 })
    const client = await rig.connect()
    expect(await client.closed()).toBe('reset')
    expect((await rig.record()).error).toBe('hold-full')
  })

  test('takes it, and the client leaves: it waits no longer, and that is nobody’s fault', async () => {
    await begin()
    const client = await rig.connect()
    await rig.held(1)
    client.reset()
    expect(await rig.record()).toMatchObject({ upstream: null, error: 'client-gone' })
    expect(rig.runtime.hold.size).toBe(0)
    expect(rig.runtime.counters.lost.counts.size).toBe(0)
  })
})

describe('a client that waits', () => {
  test('is served by the standby as soon as that is fit, with all it has said meanwhile', async () => {
    await begin({ standbyFit: false })
    const client = await rig.connect()
    await client.send('before, ')
    await rig.held(1)
    await client.send('meanwhile')
    await rig.until(() => rig.listener.open === 1, 'it to be there')
    rig.clock.advance(500)
    rig.passes(green)
    await client.signal.until(() => client.text === 'before, meanwhile', 'the echo')
    client.halfClose()
    expect(await rig.record()).toMatchObject({ upstream: green, rescued: 'replay', error: null })
  })

  test('where there is no fallback is served after the failover, and by nobody before', async () => {
    await begin({ policy: singleWriterPolicy })
    const client = await rig.connect()
    await client.send('one order')
    await rig.held(1)
    expect(standby.connections).toEqual([])
    rig.fails(blue)
    expect(rig.runtime.state.phase).toBe('switching')
    expect(standby.connections).toEqual([])
    rig.passes(green)
    await client.signal.until(() => client.text === 'one order', 'the echo')
  })

  test('that both have refused is served by the next route, if that comes in time', async () => {
    await standby.close()
    await begin()
    const client = await rig.connect()
    await rig.held(1)
    await standby.listen()
    rig.fails(blue)
    await client.send('still here')
    await client.signal.until(() => client.text === 'still here', 'the echo')
  })

  test('waits no longer than the limit, however many routes fail it meanwhile', async () => {
    await standby.close()
    await begin()
    const client = await rig.connect()
    await rig.held(1)
    rig.clock.advance(HOLD - 100)
    rig.fails(blue)
    await rig.until(() => rig.ledger(green).counters.failures.get('refused') === 2, 'the second refusal')
    await rig.held(1)
    rig.clock.advance(200)
    expect(client.ending).toBe('open')
    rig.passes(blue)
    rig.command({ name: 'drain', upstream: green, force: true })
    expect(rig.runtime.route.active).toBe(blue)
    expect(await client.closed()).toBe('reset')
    expect((await rig.record()).attempts).toHaveLength(4)
  })
})
