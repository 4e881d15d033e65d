// Upstreams called by a name: whatever is spoken with them, connections go where the name leads now.
import http2 from 'node:http2'
import { createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { upstreamId } from '../../../src/core/upstream.ts'
import { grpcProbe } from '../../../src/probe/grpc-probe.ts'
import type { Probe } from '../../../src/probe/probe.ts'
import { tcpProbe } from '../../../src/probe/tcp-probe.ts'
import { tlsProbe } from '../../../src/probe/tls-probe.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { ConnectTls } from '../../../src/wire/connect-to.ts'
import { UNLIMITED } from '../../../src/wire/connection-allowance.ts'
import { ConnectionPool } from '../../../src/wire/connection-pool.ts'
import { Http2Channels } from '../../../src/wire/http2-channels.ts'
import { KnownAddresses } from '../../../src/wire/known-addresses.ts'
import { DEFAULT_HEAD_LIMITS } from '../../../src/wire/limits.ts'
import { Sweeper } from '../../../src/wire/sweeper.ts'
import type { UpstreamChannels } from '../../../src/wire/upstream-channel.ts'
import { http } from '../../support/probed-upstreams.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { ask } from '../probe/ask.ts'
import { type Asked, Heard } from './http2-rig.ts'
import { known } from './support/connects.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

const trusting: ConnectTls = { serverName: 'localhost', verify: true, ca: certificate, identity: null }
const KINDS = ['HTTP/1.1', 'HTTP/1.1 over TLS', 'HTTP/2', 'HTTP/2 over TLS'] as const
type Kind = (typeof KINDS)[number]

/** Answers requests with its name. Port 0: any. */
async function serve(kind: Kind, host: string, port = 0): Promise<number> {
  const server = serverOf(kind, host)
  const open = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => open.add(socket))
  server.on('session', (session: http2.ServerHttp2Session) => session.on('error', () => {}))
  await new Promise<void>((ready, failed) => server.on('error', failed).listen(port, host, ready))
  cleanup.push(async () => {
    for (const socket of open) socket.destroy()
    await new Promise((closed) => server.close(closed))
  })
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

function serverOf(kind: Kind, name: string): Server {
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`
  const talk = (socket: {
    on(event: 'data' | 'error', listener: () => void): unknown
    write(text: string): unknown
  }) => {
    socket.on('error', () => {})
    socket.on('data', () => socket.write(answer))
  }
  if (kind === 'HTTP/1.1') return createServer(talk)
  if (kind === 'HTTP/1.1 over TLS') return createTlsServer({ cert: certificate, key }, talk)
  const server = kind === 'HTTP/2' ? http2.createServer() : http2.createSecureServer({ cert: certificate, key })
  server.on('stream', (stream: http2.ServerHttp2Stream) => stream.end(name))
  return server as Server
}

function channelsTo(kind: Kind, addresses: KnownAddresses, port: number) {
  const sweeper = new Sweeper(systemClock)
  const Channels = kind.startsWith('HTTP/2') ? Http2Channels : ConnectionPool
  const to = { host: 'app.internal', port, socketPath: null, addresses, tls: kind.endsWith('TLS') ? trusting : null }
  const events = { onHeard: () => {}, onConnected: () => {} }
  const channels = new Channels(to, { sweeper, limits: DEFAULT_HEAD_LIMITS, allowance: UNLIMITED, events })
  cleanup.push(() => {
    channels.closeAll()
    sweeper.stop()
  })
  return channels
}

const send = (channels: UpstreamChannels, asked: Asked = {}): Heard =>
  new Heard(channels.acquire(true), { bareBody: true, ...asked })

/** What a request is answered with: the address it went to, or how it failed. */
async function answerOf(heard: Heard): Promise<string> {
  const how = await heard.end()
  return how === 'finished' ? heard.text : how
}

describe.each(KINDS)('%s', (kind) => {
  test('goes to the address that takes the connection, and TLS expects the certificate of the name', async () => {
    const port = await serve(kind, '127.0.0.1')
    const channels = channelsTo(kind, known('::1', '127.0.0.1'), port)
    expect(await answerOf(send(channels))).toBe('127.0.0.1')
    // On the connection that is there.
    expect(await answerOf(send(channels))).toBe('127.0.0.1')
    expect(channels.size).toBe(1)
  })

  test('goes to the new address once the name has moved; what is under way at the old one finishes', async () => {
    const port = await serve(kind, '127.0.0.1')
    await serve(kind, '127.0.0.2', port)
    const addresses = known('127.0.0.1')
    const channels = channelsTo(kind, addresses, port)
    expect(await answerOf(send(channels))).toBe('127.0.0.1')
    const underWay = send(channels, { method: 'POST', body: 'one tea' })
    addresses.learn(['127.0.0.2'])
    expect(await answerOf(send(channels))).toBe('127.0.0.2')
    expect(await answerOf(underWay)).toBe('127.0.0.1')
    // As many at once as there are idle connections, so that the old one has its turn.
    const both = [send(channels), send(channels)]
    expect(await Promise.all(both.map(answerOf))).toEqual(['127.0.0.2', '127.0.0.2'])
    addresses.learn(['127.0.0.1', '127.0.0.2'])
    expect(await answerOf(send(channels))).toMatch(/^127\.0\.0\.[12]$/)
  })

  test('waits for the first answer about the name', async () => {
    const port = await serve(kind, '127.0.0.1')
    const addresses = new KnownAddresses()
    const heard = send(channelsTo(kind, addresses, port))
    addresses.learn(['127.0.0.1'])
    expect(await answerOf(heard)).toBe('127.0.0.1')
  })

  test('fails for the name when that cannot be resolved, and leaves nothing', async () => {
    const addresses = new KnownAddresses()
    const channels = channelsTo(kind, addresses, 80)
    const heard = send(channels)
    addresses.unresolved(Object.assign(new Error('app.internal cannot be resolved'), { code: 'ERR_NAME_UNRESOLVED' }))
    expect(await answerOf(heard)).toBe('dns')
    expect(heard.failure?.detail).toBe('app.internal cannot be resolved')
    await new Promise((later) => setImmediate(() => setImmediate(() => setImmediate(later))))
    expect(channels.size).toBe(0)
  })
})

test('connections opened ahead do not count once their address is gone', async () => {
  const port = await serve('HTTP/1.1', '127.0.0.1')
  await serve('HTTP/1.1', '127.0.0.2', port)
  const addresses = known('127.0.0.1')
  const channels = channelsTo('HTTP/1.1', addresses, port)
  const preconnect = (): Promise<void> => new Promise((done) => channels.preconnect(2, done))
  await preconnect()
  addresses.learn(['127.0.0.2'])
  await preconnect()
  expect(channels.size).toBe(4)
  expect(await answerOf(send(channels))).toBe('127.0.0.2')
})

test.each<[string, Kind, Probe]>([
  ['tcp', 'HTTP/1.1', tcpProbe()],
  ['http', 'HTTP/1.1', http()],
  ['tls', 'HTTP/1.1 over TLS', tlsProbe()],
  ['http over TLS', 'HTTP/1.1 over TLS', http()],
])('a probe of type %s goes where traffic goes, and waits for the name as well', async (type, kind, probe) => {
  const port = await serve(kind, '127.0.0.1')
  const addresses = new KnownAddresses()
  const tls = kind.endsWith('TLS') ? { verify: true, ca: certificate, serverName: 'localhost' } : null
  const result = ask(probe, { id: upstreamId('blue'), host: 'app.internal', port, addresses, tls })
  addresses.learn(['::1', '127.0.0.1'])
  expect([type, await result]).toMatchObject([type, { verdict: 'pass' }])
})

test('a probe says of a name that cannot be resolved that it cannot', async () => {
  const addresses = new KnownAddresses()
  addresses.unresolved(Object.assign(new Error('app.internal cannot be resolved'), { code: 'ERR_NAME_UNRESOLVED' }))
  const target = { id: upstreamId('blue'), host: 'app.internal', port: 80, addresses, tls: null }
  expect(await ask(grpcProbe({ service: '', version: '1.0' }), target)).toEqual({
    verdict: 'fail',
    failure: 'dns',
    detail: 'app.internal cannot be resolved',
  })
})
