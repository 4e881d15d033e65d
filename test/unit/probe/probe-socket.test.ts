import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../../src/core/health.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import { grpcProbe } from '../../../src/probe/grpc-probe.ts'
import { postgresProbe } from '../../../src/probe/postgres-probe.ts'
import type { Probe, ProbeTarget, ProbeTls } from '../../../src/probe/probe.ts'
import { redisProbe } from '../../../src/probe/redis-probe.ts'
import { sendReceiveProbe } from '../../../src/probe/send-receive-probe.ts'
import { tcpProbe } from '../../../src/probe/tcp-probe.ts'
import { tlsProbe } from '../../../src/probe/tls-probe.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { at } from '../../support/place.ts'
import { http } from '../../support/probed-upstreams.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { Signal } from '../../support/signal.ts'

const HEADER = Buffer.from('PROXY UNKNOWN\r\n')
const CLIENT_HELLO = 0x16
const SSL_REQUEST = '0000000804d2162f'

let clock: FakeClock
let signal: Signal
let servers: Server[]
let open: Set<Socket>
/** Everything that came, from its first byte. */
let heard: Buffer
/** What came in TLS. */
let said: string

beforeEach(() => {
  clock = new FakeClock()
  signal = new Signal()
  servers = []
  open = new Set()
  heard = Buffer.alloc(0)
  said = ''
})

afterEach(async () => {
  await signal.until(() => open.size === 0, 'all sockets to be closed')
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  clock.assertIdle()
})

async function listen(behave: (socket: Socket) => void): Promise<ProbeTarget> {
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      open.delete(socket)
      signal.notify()
    })
    behave(socket)
    signal.notify()
  })
  servers.push(server)
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return { id: upstreamId('blue'), ...at(port), tls: null }
}

const ask = (probe: Probe, target: ProbeTarget): Promise<ProbeResult> =>
  new Promise((resolve) => probe(target, { timeout: 250, clock }, resolve))

const records = (socket: Socket): void => {
  socket.on('data', (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes])
    signal.notify()
  })
}

const exchange = sendReceiveProbe({ over: 'tls', send: 'ping', receive: 'pong' })

describe('the PROXY header of a probe', () => {
  it.each<[string, Probe]>([
    ['tcp', tcpProbe()],
    ['http', http()],
    ['redis', redisProbe({ role: 'any' })],
    ['postgres', postgresProbe({ user: 'probe', database: 'probe' })],
    ['grpc', grpcProbe({ service: '', version: '1.0' })],
  ])('comes before everything else: %s', async (type, probe) => {
    const target = { ...(await listen(records)), proxyHeader: HEADER }
    const cancel = probe(target, { timeout: 250, clock }, () => {})
    const expected = HEADER.length + (type === 'tcp' ? 0 : 1)
    await signal.until(() => heard.length >= expected, 'the header')
    expect(heard.subarray(0, HEADER.length)).toEqual(HEADER)
    cancel()
  })

  it('comes in clear text before the TLS handshake', async () => {
    const target = { ...(await listen(records)), proxyHeader: HEADER, tls: { verify: false } }
    const cancel = tlsProbe()(target, { timeout: 250, clock }, () => {})
    await signal.until(() => heard.length > HEADER.length, 'the handshake to begin')
    expect(heard.subarray(0, HEADER.length)).toEqual(HEADER)
    expect(heard[HEADER.length]).toBe(CLIENT_HELLO)
    cancel()
  })

  it('comes before the request for TLS, too', async () => {
    const target = { ...(await listen(records)), proxyHeader: HEADER, tls: { verify: false } }
    const cancel = postgresProbe({ user: 'probe', database: 'probe' })(target, { timeout: 250, clock }, () => {})
    await signal.until(() => heard.length >= HEADER.length + 8, 'the request for TLS')
    expect(heard.subarray(HEADER.length).toString('hex')).toBe(SSL_REQUEST)
    cancel()
  })

  it('is followed by a handshake that works', async () => {
    const target = await listen((socket) =>
      socket.once('readable', () => {
        heard = socket.read(HEADER.length)
        talkTls(socket, {})
      }),
    )
    const proxied = { ...target, proxyHeader: HEADER, tls: { verify: true, ca: certificate } }
    expect(await ask(exchange, proxied)).toMatchObject({ verdict: 'pass' })
    expect(heard).toEqual(HEADER)
    expect(said).toBe('ping')
  })

  it('is left out when there is none', async () => {
    for (const proxyHeader of [null, undefined]) {
      heard = Buffer.alloc(0)
      const target = { ...(await listen(records)), ...(proxyHeader === undefined ? {} : { proxyHeader }) }
      const cancel = redisProbe({ role: 'any' })(target, { timeout: 250, clock }, () => {})
      await signal.until(() => heard.length > 0, 'the first bytes')
      expect(heard.toString('latin1', 0, 1)).toBe('*')
      cancel()
    }
  })
})

describe('the certificate of a probe', () => {
  const demanding = () =>
    listen((socket) => talkTls(socket, { requestCert: true, rejectUnauthorized: true, ca: certificate }))
  const asking = async (tls: ProbeTls) => ask(exchange, { ...(await demanding()), tls })
  const trust = { verify: true, ca: certificate }

  it('is shown to an upstream that asks for it', async () => {
    expect(await asking({ ...trust, cert: certificate, key })).toMatchObject({ verdict: 'pass' })
    expect(said).toBe('ping')
  })

  it('of the upstream has to be for the address in serverName, if that is one', async () => {
    const target = await listen((socket) => talkTls(socket, {}))
    const expecting = (serverName: string) => ask(exchange, { ...target, tls: { ...trust, serverName } })
    expect(await expecting('127.0.0.1')).toMatchObject({ verdict: 'pass' })
    expect(await expecting('192.0.2.9')).toMatchObject({ verdict: 'fail', failure: 'tls' })
  })

  it('is missed by that upstream when there is none', async () => {
    const { verdict, failure } = await asking(trust)
    expect(verdict).toBe('fail')
    expect(['tls', 'reset']).toContain(failure)
    expect(said).toBe('')
  })

  it('fails the probe when it is none, or when its key is, before anything is opened', async () => {
    for (const broken of [
      { cert: 'none', key },
      { cert: certificate, key: 'none' },
    ]) {
      const result = ask(exchange, { ...(await listen(records)), tls: { ...trust, ...broken } })
      clock.advance(0)
      const { failure, detail } = await result
      expect(failure).toBe('tls')
      expect(detail).toMatch(/^cannot begin: /)
    }
    expect(heard).toHaveLength(0)
  })
})

function talkTls(socket: Socket, options: object): void {
  const secured = new TLSSocket(socket, { isServer: true, cert: certificate, key, ...options })
  secured.on('error', () => socket.destroy())
  secured.on('data', (bytes) => {
    said += bytes
    secured.write('pong')
  })
}
