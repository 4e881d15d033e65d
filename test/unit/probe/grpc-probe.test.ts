import type { ServerHttp2Stream } from 'node:http2'
import * as http2 from 'node:http2'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../../src/core/health.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import { grpcProbe } from '../../../src/probe/grpc-probe.ts'
import type { ProbeTarget } from '../../../src/probe/probe.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { at } from '../../support/place.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { Signal, turns } from '../../support/signal.ts'

type Headers = http2.IncomingHttpHeaders

const SERVING = Buffer.from('00000000020801', 'hex')
const NOT_SERVING = Buffer.from('00000000020802', 'hex')
const GRPC = { ':status': 200, 'content-type': 'application/grpc' }

let clock: FakeClock
let signal: Signal
let servers: Server[]
let open: Set<Socket>
let asked: { headers: Headers; body: Buffer }[]
let settled: number

beforeEach(() => {
  clock = new FakeClock()
  signal = new Signal()
  servers = []
  open = new Set()
  asked = []
  settled = 0
})

afterEach(async () => {
  await signal.until(() => open.size === 0, 'all connections to be closed')
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  clock.advance(0)
  clock.assertIdle()
})

async function listen(server: Server): Promise<ProbeTarget> {
  servers.push(server)
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      open.delete(socket)
      signal.notify()
    })
    signal.notify()
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return { id: upstreamId('blue'), ...at((server.address() as AddressInfo).port), tls: null }
}

type Serve = (stream: ServerHttp2Stream) => void

function serving(serve: Serve, server: http2.Http2Server = http2.createServer()): Promise<ProbeTarget> {
  server.on('sessionError', () => {})
  server.on('stream', (stream: ServerHttp2Stream, headers: Headers) => {
    const body: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (bytes: Buffer) => body.push(bytes))
    stream.on('end', () => {
      asked.push({ headers, body: Buffer.concat(body) })
      signal.notify()
    })
    serve(stream)
  })
  return listen(server)
}

/** As gRPC servers do it: headers, a message, and the outcome in the trailers. */
const answers =
  (message: Buffer, trailers: http2.OutgoingHttpHeaders = { 'grpc-status': '0' }): Serve =>
  (stream) => {
    stream.respond(GRPC, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    stream.end(message)
  }

/** And this is how they refuse: the outcome in the headers, and nothing else. */
const refuses =
  (headers: http2.OutgoingHttpHeaders): Serve =>
  (stream) =>
    stream.respond({ ...GRPC, ...headers }, { endStream: true })

const probe = (service = '') => grpcProbe({ service, version: '1.0' })

function ask(target: ProbeTarget, service = ''): Promise<ProbeResult> {
  return new Promise((resolve) =>
    probe(service)(target, { timeout: 250, clock }, (result) => {
      settled++
      resolve(result)
    }),
  )
}

async function verdict(serve: Serve, service = '') {
  const { verdict, failure, detail } = await ask(await serving(serve), service)
  return { verdict, failure, detail }
}

const fails = (detail: string) => ({ verdict: 'fail', failure: null, detail })

describe('the grpc probe', () => {
  it('asks the health service for the server as a whole, and passes when it is serving', async () => {
    const target = await serving(answers(SERVING))
    expect(await ask(target)).toEqual({ verdict: 'pass', failure: null, detail: 'SERVING in 0 ms', latency: 0 })
    expect(asked).toHaveLength(1)
    expect(asked[0]?.body).toEqual(Buffer.from('0000000000', 'hex'))
    expect(asked[0]?.headers).toMatchObject({
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': `127.0.0.1:${target.port}`,
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '250m',
      'user-agent': 'understudy-probe/1.0',
    })
  })

  it('asks for a service by its name', async () => {
    expect(await verdict(answers(SERVING), 'shop')).toMatchObject({ verdict: 'pass' })
    expect(asked[0]?.body).toEqual(Buffer.from('00000000060a0473686f70', 'hex'))
  })

  it.each([
    [NOT_SERVING, 'NOT_SERVING in 0 ms'],
    [Buffer.from('0000000000', 'hex'), 'UNKNOWN in 0 ms'],
    [Buffer.from('00000000020803', 'hex'), 'SERVICE_UNKNOWN in 0 ms'],
    [Buffer.from('00000000020863', 'hex'), '99 in 0 ms'],
    [Buffer.from('01000000020801', 'hex'), 'the answer is not valid gRPC'],
    [Buffer.alloc(0), 'the answer is not valid gRPC'],
    [Buffer.from('+PONG\r\n'), 'the answer is not valid gRPC'],
    [Buffer.alloc(100_000), 'the answer is too long for a health status'],
  ])('fails on any other answer: %#', async (message, detail) => {
    expect(await verdict(answers(message))).toEqual(fails(detail))
  })

  it('reads an answer that comes byte by byte', async () => {
    const slowly: Serve = async (stream) => {
      stream.respond(GRPC, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      for (const byte of SERVING) {
        await new Promise<void>((written) => stream.write(Buffer.of(byte), () => written()))
        await turns(3)
      }
      stream.end()
    }
    expect(await verdict(slowly)).toMatchObject({ verdict: 'pass' })
  })

  it.each([
    [{ 'grpc-status': '12' }, 'the server has no health service (grpc.health.v1.Health)'],
    [{ 'grpc-status': '5' }, 'the health service does not know "shop"'],
    [{ 'grpc-status': '14', 'grpc-message': 'no leader' }, 'grpc-status 14: no leader'],
    [{ 'grpc-status': '16' }, 'grpc-status 16'],
    [{ 'grpc-status': 'x'.repeat(300) }, `grpc-status ${'x'.repeat(188)}…`],
    [{ 'grpc-status': '0' }, 'the answer is not valid gRPC'],
    [{}, 'the answer has no grpc-status'],
  ])('fails when the call is refused: %o', async (headers, detail) => {
    expect(await verdict(refuses(headers), 'shop')).toEqual(fails(detail))
  })

  it.each([
    [{ 'grpc-status': '13' }, 'grpc-status 13'],
    [{}, 'the answer has no grpc-status'],
  ])('believes the trailers, not the message: %o', async (trailers, detail) => {
    expect(await verdict(answers(SERVING, trailers))).toEqual(fails(detail))
  })

  it('fails when something other than gRPC answers over HTTP/2, without waiting for the rest of it', async () => {
    expect(await verdict((stream) => stream.respond({ ':status': 404 }))).toEqual(
      fails('HTTP 404 in place of an answer in gRPC'),
    )
    expect(await verdict((stream) => stream.respond({ ':status': 200, 'content-type': 'text/html' }))).toEqual(
      fails('the answer is not of type application/grpc'),
    )
    expect(await verdict((stream) => stream.respond({ ':status': 200 }))).toEqual(
      fails('the answer is not of type application/grpc'),
    )
    const withCodec = { ...GRPC, 'content-type': 'application/grpc+proto', 'grpc-status': '14' }
    expect(await verdict(refuses(withCodec))).toEqual(fails('grpc-status 14'))
  })

  it('fails when the stream is reset, which still is a sign of life', async () => {
    const found = await verdict((stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM))
    expect(found).toMatchObject({ verdict: 'fail', failure: null })
    expect(found.detail).toContain('NGHTTP2_REFUSED_STREAM')
    const midway = await verdict((stream) => {
      stream.respond(GRPC)
      stream.write(SERVING, () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR))
    })
    expect(midway.verdict).toBe('fail')
    expect(midway.detail).toContain('the answer has no grpc-status')
  })

  it('takes GOAWAY for a server about to leave', async () => {
    const target = await serving((stream) => stream.session?.goaway())
    const result = ask(target)
    for (let turn = 0; settled === 0 && turn < 1_000; turn++) {
      await turns(1)
      clock.advance(0)
    }
    expect(await result).toMatchObject({
      verdict: 'leaving',
      failure: null,
      detail: 'the server sends GOAWAY, it is shutting down',
    })
  })

  it('takes GOAWAY for that, too, when the connection is closed with it', async () => {
    const target = await serving((stream) => {
      const { session } = stream
      session?.goaway(http2.constants.NGHTTP2_NO_ERROR, 0)
      session?.destroy()
    })
    expect(await ask(target)).toMatchObject({ verdict: 'leaving' })
  })

  it('lets an answer count that comes with GOAWAY: some servers serve one request per connection', async () => {
    const target = await serving((stream) => {
      const { session } = stream
      session?.goaway()
      answers(SERVING)(stream)
      stream.on('close', () => session?.close())
    })
    expect(await ask(target)).toMatchObject({ verdict: 'pass' })
  })

  it('fails on GOAWAY with an error', async () => {
    const target = await serving((stream) => stream.session?.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM))
    expect(await ask(target)).toMatchObject({ verdict: 'fail', failure: null })
  })

  it('fails on an upstream that does not speak HTTP/2', async () => {
    const http1 = await listen(createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const found = await ask(http1)
    expect(found).toMatchObject({ verdict: 'fail', failure: null })
    expect(found.detail).toMatch(/^the answer is not valid HTTP\/2: /)
  })

  it('fails when the connection is closed before anything came, or before the answer was complete', async () => {
    const closing = await listen(createServer((socket) => socket.resume().end()))
    expect(await ask(closing)).toMatchObject({
      failure: 'reset',
      detail: 'the connection was closed before any answer',
    })
    const resetting = await listen(createServer((socket) => socket.once('data', () => socket.resetAndDestroy())))
    expect(await ask(resetting)).toMatchObject({ failure: 'reset' })
    const half = await serving((stream) => {
      stream.respond(GRPC)
      stream.write(SERVING, () => setImmediate(() => [...open][0]?.destroy()))
    })
    expect(await ask(half)).toMatchObject({ verdict: 'fail', failure: 'truncated' })
  })

  it('is unanswered by a mute upstream', async () => {
    const target = await listen(createServer((socket) => socket.once('data', () => signal.notify())))
    const result = ask(target)
    await signal.until(() => open.size === 1, 'the connection')
    await turns(3)
    clock.advance(250)
    expect(await result).toEqual({
      verdict: 'fail',
      failure: 'timeout',
      detail: 'no answer within 250 ms',
      latency: 250,
    })
  })

  it('fails when only HTTP/2 answers, but not the health service: that is no hang', async () => {
    const result = ask(await serving(() => {}))
    await signal.until(() => asked.length === 1, 'the request')
    await turns(5)
    clock.advance(250)
    expect(await result).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: 'the health service has not answered within 250 ms',
    })
  })

  it('says nothing any more once it is cancelled, and leaves nothing open', async () => {
    const target = await serving(() => {})
    const cancel = probe()(target, { timeout: 250, clock }, () => settled++)
    await signal.until(() => asked.length === 1, 'the request')
    cancel()
    clock.assertIdle()
    await signal.until(() => open.size === 0, 'the connection to be closed')
    clock.advance(1_000)
    expect(settled).toBe(0)
  })
})

describe('the grpc probe over TLS', () => {
  const secure = { cert: certificate, key }
  const trusting = (target: ProbeTarget) => ({
    ...target,
    tls: { verify: true, ca: certificate, serverName: 'understudy.test' },
  })

  it('agrees on HTTP/2 and asks as over clear text', async () => {
    const target = await serving(answers(SERVING), http2.createSecureServer(secure))
    expect(await ask(trusting(target))).toMatchObject({ verdict: 'pass' })
    expect(asked[0]?.headers).toMatchObject({ ':scheme': 'https', ':authority': `understudy.test:${target.port}` })
  })

  it('fails on a server that does not offer HTTP/2', async () => {
    const target = await listen(createTlsServer(secure))
    expect(await ask(trusting(target))).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: 'the server does not offer HTTP/2 (ALPN h2)',
    })
  })

  it('fails on a certificate that is not to be trusted, without asking', async () => {
    const server = http2.createSecureServer(secure)
    server.on('tlsClientError', () => {})
    const target = await serving(answers(SERVING), server)
    expect(await ask({ ...target, tls: { verify: true } })).toMatchObject({ verdict: 'fail', failure: 'tls' })
    expect(asked).toHaveLength(0)
  })
})
