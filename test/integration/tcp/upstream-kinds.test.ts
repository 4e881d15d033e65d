// Upstreams that want more than a connection (TLS, a PROXY header, or both), and clients that bring more.
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import type { ConnectTls } from '../../../src/wire/connect-to.ts'
import { ServerTls } from '../../../src/wire/server-tls.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { blue, green } from '../../support/simulated-pool.ts'
import { echoes, greets, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { type RigOptions, TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
const begin = async (options: Partial<RigOptions>): Promise<void> => {
  rig = await TcpRig.start({ blue: primary, green: standby, ...options })
}

afterEach(() => rig.stop())

const trusting: ConnectTls = { serverName: 'localhost', verify: true, ca: certificate, identity: null }
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'

describe('TLS', () => {
  test('is spoken with the upstream, half-closes included, and bytes pass unchanged', async () => {
    const much = 'said in confidence. '.repeat(100_000)
    primary = await TcpOrigin.start(echoes, { secure: true })
    standby = await TcpOrigin.start()
    await begin({ tls: trusting })
    const client = await rig.connect()
    client.socket.end(much)
    expect(await client.closed()).toBe('end')
    expect(client.text === much).toBe(true)
    expect(await rig.record()).toMatchObject({ upstream: blue, error: null, attempts: [] })
  })

  test('with a certificate that is not trusted is a failed connect: the session goes elsewhere', async () => {
    primary = await TcpOrigin.start(greets('blue'), { secure: true })
    standby = await TcpOrigin.start(greets('green'))
    await begin({ tls: { ...trusting, ca: null } })
    const client = await rig.connect()
    await rig.until(() => rig.ledger(green).counters.failures.counts.size > 0, 'both to be tried')
    rig.clock.advance(3_000)
    expect(await client.closed()).toBe('reset')
    const { attempts } = await rig.record()
    expect(attempts.map(({ upstream, failure }) => `${upstream} ${failure}`)).toEqual([
      'blue tls connecting',
      'green tls connecting',
    ])
    // A certificate is the operator's affair: no crash, nothing to be confirmed.
    expect(rig.probed).toEqual([])
  })

  test('expects the certificate of the address in serverName, not of the one that it connects to', async () => {
    primary = await TcpOrigin.start(greets('blue'), { secure: true })
    standby = await TcpOrigin.start(greets('green'), { secure: true })
    await begin({ tls: { ...trusting, serverName: '192.0.2.9' } })
    await rig.connect()
    await rig.until(() => rig.ledger(blue).counters.failures.get('tls') === 1, 'the certificate to be refused')
    await rig.stop()
    primary = await TcpOrigin.start(greets('blue'), { secure: true })
    standby = await TcpOrigin.start()
    await begin({ tls: { ...trusting, serverName: '127.0.0.1' } })
    await rig.greeted('blue')
  })
})

describe('a PROXY header', () => {
  test('of version 1 goes before what the client said, and names both ends', async () => {
    primary = await TcpOrigin.start(silent)
    standby = await TcpOrigin.start()
    await begin({ proxyProtocol: 'v1' })
    const client = await rig.connect()
    await client.send('hello')
    const heard = await primary.connection()
    await primary.until(() => heard.text.endsWith('hello'), 'the words')
    expect(heard.text).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${client.socket.localPort} ${rig.port}\r\nhello`)
  })

  test('of version 2 is there before anybody speaks: such a server waits for it to greet', async () => {
    primary = await TcpOrigin.start((connection) => {
      connection.socket.once('data', () => connection.say('welcome'))
    })
    standby = await TcpOrigin.start()
    await begin({ proxyProtocol: 'v2' })
    const client = await rig.greeted('welcome')
    const { bytes } = await primary.connection()
    expect(bytes.toString('latin1', 0, 12)).toBe(SIGNATURE)
    expect([...bytes.subarray(12, 16)]).toEqual([0x21, 0x11, 0, 12])
    expect([...bytes.subarray(16, 24)]).toEqual([127, 0, 0, 1, 127, 0, 0, 1])
    expect([bytes.readUInt16BE(24), bytes.readUInt16BE(26)]).toEqual([client.socket.localPort, rig.port])
    expect(bytes).toHaveLength(28)
  })

  test('goes to each upstream that is tried, and no byte of the client before it', async () => {
    primary = await TcpOrigin.start((connection) => connection.socket.once('data', () => connection.reset()))
    standby = await TcpOrigin.start(echoes)
    await begin({ proxyProtocol: 'v1' })
    const client = await rig.connect()
    await client.signal.until(() => client.text.endsWith('\r\n'), 'the echo of the header')
    expect(primary.last?.text).toBe(client.text)
    expect(standby.last?.text).toBe(client.text)
  })

  test('tells what the client’s own PROXY header said', async () => {
    primary = await TcpOrigin.start(silent)
    standby = await TcpOrigin.start()
    await begin({ proxyProtocol: 'v1', listener: { proxyProtocol: 'v1' } })
    const client = await rig.connect()
    await client.send('PROXY TCP4 192.0.2.7 198.51.100.1 4711 3306\r\nhello')
    const heard = await primary.connection()
    await primary.until(() => heard.text.endsWith('hello'), 'the words')
    expect(heard.text).toBe('PROXY TCP4 192.0.2.7 198.51.100.1 4711 3306\r\nhello')
    client.reset()
    expect((await rig.record()).client).toBe('192.0.2.7')
  })

  test('goes before the TLS handshake, in the clear', async () => {
    let header = ''
    const inside = await TcpOrigin.start(({ socket }) => socket.on('data', (heard) => socket.write(`heard ${heard}`)), {
      secure: true,
    })
    // Takes the header off, as a receiver does, and leaves the rest to the server behind it.
    primary = await TcpOrigin.start(({ socket }) => {
      socket.once('data', (bytes: Buffer) => {
        const end = bytes.indexOf('\n') + 1
        header = bytes.toString('latin1', 0, end)
        const inner = connect(inside.port, '127.0.0.1')
        inner.on('error', () => {})
        inner.write(bytes.subarray(end))
        socket.pipe(inner).pipe(socket)
      })
    })
    standby = await TcpOrigin.start()
    await begin({ tls: trusting, proxyProtocol: 'v1' })
    const client = await rig.connect()
    await client.send('in confidence')
    await client.signal.until(() => client.text === 'heard in confidence', 'the answer')
    expect(header).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/)
    expect(inside.last?.text).toBe('in confidence')
    client.reset()
    await primary.until(() => primary.last?.ending !== 'open', 'the upstream to see the end')
    await inside.stop()
  })

  test('before TLS: a refused connect and a failed handshake go elsewhere like any other', async () => {
    primary = await TcpOrigin.vacant()
    standby = await TcpOrigin.start(silent)
    await begin({ tls: trusting, proxyProtocol: 'v2' })
    await rig.connect()
    await standby.until(() => (standby.last?.bytes.length ?? 0) > 28, 'header and handshake at the standby')
    expect(rig.ledger(blue).counters.failures.get('refused')).toBe(1)
    standby.last?.reset()
    await rig.until(() => rig.ledger(green).counters.failures.get('reset') === 1, 'the handshake to fail')
  })

  test('before TLS: nothing is left open when the client leaves in the middle of it', async () => {
    primary = await TcpOrigin.start(silent)
    standby = await TcpOrigin.start(silent)
    await begin({ tls: trusting, proxyProtocol: 'v2' })
    const client = await rig.connect()
    await primary.until(() => (primary.last?.bytes.length ?? 0) > 28, 'header and handshake')
    client.reset()
    await primary.until(() => primary.last?.ending !== 'open', 'the attempt to be broken off')
    expect(await rig.record()).toMatchObject({ upstream: null, error: 'client-gone' })
    expect(rig.ledger(blue)).toMatchObject({ inFlight: 0, tunnels: 0 })
    expect(standby.connections).toEqual([])
  })
})

test('TLS of the client can end here: what it says goes on in the clear, half-closes included', async () => {
  primary = await TcpOrigin.start(echoes)
  standby = await TcpOrigin.start()
  const certificates = [{ cert: certificate, key }] as const
  const listenerTls = new ServerTls({ certificates, minVersion: 'TLSv1.2', clients: null, alpn: [] })
  await begin({ listener: { tls: listenerTls } })
  const much = 'said in confidence. '.repeat(100_000)
  const client = connectTls({ port: rig.port, host: '127.0.0.1', ca: certificate })
  let text = ''
  client.on('data', (bytes) => {
    text += bytes
  })
  client.end(much)
  expect(await rig.record()).toMatchObject({ bytesIn: much.length, bytesOut: much.length, error: null })
  await rig.until(() => client.readableEnded, 'the end')
  expect(text === much).toBe(true)
})

test('by the server name that a client asks for its pool is chosen, and its TLS passes through untouched', async () => {
  primary = await TcpOrigin.start(greets('inside'), { secure: true })
  standby = await TcpOrigin.start()
  const asked: string[] = []
  await begin({
    listener: {
      readServerName: true,
      route: (serverName) => {
        asked.push(serverName)
        return rig.pool
      },
    },
  })
  const client = connectTls({ port: rig.port, host: '127.0.0.1', servername: 'Understudy.test', ca: certificate })
  let greeting = ''
  client.on('data', (bytes) => {
    greeting += bytes
  })
  await rig.until(() => greeting !== '', 'the greeting')
  expect(greeting).toBe('inside')
  expect(asked).toEqual(['understudy.test'])
  client.destroy()
})
