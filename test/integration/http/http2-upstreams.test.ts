// Requests that go on over HTTP/2 (`h2c://`, `h2://`): forwarded, replayed and answered like any other.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http2, { type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { PoolView } from '../../../src/admin/views.ts'
import { type Proxy as RunningProxy, startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { findProgram } from '../../support/servers/installed-program.ts'
import { type StrictResponse, valuesOf } from '../../support/strict-http.ts'
import { listening } from '../wire/http2-rig.ts'
import { data, END_STREAM, FRAME, goaway, headers, RawHttp2Upstream, reset } from '../wire/raw-http2-upstream.ts'
import { CALM } from '../wire/rig.ts'
import { getJson } from './support/admin.ts'
import { type Request, requestText } from './support/pair.ts'
import { until } from './support/until.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

type Answer = (stream: ServerHttp2Stream, request: { headers: http2.IncomingHttpHeaders; body: string }) => void

async function origin(answer: Answer, server: Http2Server = http2.createServer()): Promise<number> {
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    let body = ''
    stream.on('error', () => {})
    stream.on('data', (bytes) => {
      body += bytes
    })
    stream.on('end', () => answer(stream, { headers, body }))
  })
  const port = await listening(server)
  cleanup.push(async () => {
    for (const session of sessions) session.destroy()
    await new Promise((closed) => server.close(closed))
  })
  return port
}

async function raw(answer: (stream: number, socket: Socket, nth: number) => Buffer[]): Promise<RawHttp2Upstream> {
  let requests = 0
  const upstream = await RawHttp2Upstream.start((frame, socket) => {
    if (frame.type !== FRAME.HEADERS) return
    for (const bytes of answer(frame.stream, socket, requests++)) socket.write(bytes)
  })
  cleanup.push(() => upstream.stop())
  return upstream
}

const text = (body: string) => (stream: number) => [
  headers(stream, 0, [':status', '200']),
  data(stream, END_STREAM, body),
]

type More = { tls?: object; listenerOverrides?: object; poolOverrides?: object }

async function proxyTo(urls: string[], more: More = {}): Promise<RunningProxy> {
  const { tls, ...overrides } = more
  const upstreams = urls.map((url, index) => ({
    name: index === 0 ? 'blue' : 'green',
    port: 0,
    url,
    ...(tls ? { tls } : {}),
  }))
  // Nobody is sent anywhere before a probe has said that there is somebody.
  const probe = urls.length > 1
  const proxy = await startProxy({ upstreams, poolOverrides: probe ? {} : CALM, probe, ...overrides })
  cleanup.push(() => proxy.stop())
  if (probe) {
    const fit = async () => {
      const { upstreams: all } = await getJson<PoolView>(proxy.adminPort, '/pools/shop')
      return all.every(({ health }) => health.status === 'healthy') || undefined
    }
    await until(fit, { what: 'both to be healthy' })
  }
  return proxy
}

async function ask({ port }: RunningProxy, request: Request = {}): Promise<StrictResponse> {
  const client = await RawClient.connect(port)
  try {
    await client.send(requestText(request))
    return await client.response(request.method ?? 'GET')
  } finally {
    client.destroy()
  }
}

const h2c = (port: number): string => `h2c://127.0.0.1:${port}`
const errorOf = ({ status, fields }: StrictResponse) => [status, ...valuesOf(fields, 'understudy-error')]

test('a request is forwarded over h2c with what is added to every request, and its answer comes back', async () => {
  const port = await origin((stream, { headers: seen, body }) => {
    stream.respond({ ':status': 201, 'x-host': `${seen[':authority']}`, 'x-via': `${seen.via}` })
    stream.end(`${seen[':method']} ${seen[':path']} ${seen['x-forwarded-for']} ${body}`)
  })
  const proxy = await proxyTo([h2c(port)])
  const answer = await ask(proxy, { method: 'POST', target: '/tea?x=1', body: 'one tea', chunked: 3 })
  expect([answer.status, answer.reason, answer.body]).toEqual([201, 'Created', 'POST /tea?x=1 127.0.0.1 one tea'])
  expect(valuesOf(answer.fields, 'x-via')).toEqual(['1.1 understudy'])
  expect(valuesOf(answer.fields, 'transfer-encoding')).toEqual(['chunked'])
})

test('over h2 the certificate is checked, and the connection is shared', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-h2-'))
  cleanup.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'ca.pem'), certificate)
  const port = await origin(
    (stream) => stream.respond({ ':status': 204 }, { endStream: true }),
    http2.createSecureServer({ cert: certificate, key }),
  )
  const trusting = await proxyTo([`h2://127.0.0.1:${port}`], { tls: { ca: join(folder, 'ca.pem') } })
  expect((await Promise.all([ask(trusting), ask(trusting)])).map(({ status }) => status)).toEqual([204, 204])
  expect(errorOf(await ask(await proxyTo([`h2://127.0.0.1:${port}`])))).toEqual([502, 'upstream_unreachable'])
})

test('a POST that was refused, or is above the last stream of a GOAWAY, is sent again: it was not processed', async () => {
  for (const refusal of [(stream: number) => [reset(stream, 7)], (stream: number) => [goaway(stream - 1, 0)]]) {
    const upstream = await raw((stream, _, nth) => (nth === 0 ? refusal(stream) : text('second')(stream)))
    const answer = await ask(await proxyTo([h2c(upstream.port)]), { method: 'POST', body: 'one tea' })
    expect([answer.status, answer.body]).toEqual([200, 'second'])
    expect(upstream.frames.filter(({ type }) => type === FRAME.HEADERS)).toHaveLength(2)
  }
})

test('a connection that dies under requests: what may be repeated is, on the standby, and what may not is not', async () => {
  const standby = await raw(text('standby'))
  const upstream = await raw((_, socket) => {
    socket.destroy()
    return []
  })
  const proxy = await proxyTo([h2c(upstream.port), h2c(standby.port)])
  expect((await ask(proxy)).body).toBe('standby')
  expect(errorOf(await ask(proxy, { method: 'POST', body: 'one tea' }))).toEqual([502, 'upstream_broke'])
  expect(standby.frames.filter(({ type }) => type === FRAME.HEADERS)).toHaveLength(1)
})

test('GOAWAY has an upstream probed at once: one that is about to go is left before a request has failed', async () => {
  const standby = await raw(text('standby'))
  const upstream = await raw((stream) => {
    upstream.stopListening()
    return [...text('primary')(stream), goaway(stream, 0)]
  })
  const rarely = { probe: { type: 'tcp', interval: '10m' } }
  const proxy = await proxyTo([h2c(upstream.port), h2c(standby.port)], { poolOverrides: rarely })
  expect((await ask(proxy)).body).toBe('primary')
  const left = async () =>
    (await getJson<PoolView>(proxy.adminPort, '/pools/shop')).active === 'green' ? true : undefined
  await until(left, { what: 'the standby to be active' })
  expect(standby.frames.filter(({ type }) => type === FRAME.HEADERS)).toEqual([])
})

test('an upstream that does not speak HTTP/2 never gets the request, so that even a POST may go elsewhere', async () => {
  const seen: string[] = []
  const old = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      seen.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const port = await listening(old)
  cleanup.push(() => new Promise((closed) => old.close(closed)))
  const standby = await raw(text('standby'))
  const body = 'one tea, please'
  expect((await ask(await proxyTo([h2c(port), h2c(standby.port)]), { method: 'POST', body })).body).toBe('standby')
  expect(errorOf(await ask(await proxyTo([h2c(port)]), { method: 'POST', body }))).toEqual([502, 'upstream_protocol'])
  expect(seen.join('')).not.toContain(body)
})

test('an answer that is cut off in mid-body is cut off for the client too', async () => {
  const upstream = await raw((stream) => [
    headers(stream, 0, [':status', '200']),
    data(stream, 0, 'half'),
    reset(stream, 0),
  ])
  const { port } = await proxyTo([h2c(upstream.port)])
  const client = await RawClient.connect(port)
  cleanup.push(() => client.destroy())
  await client.send(requestText({}))
  expect(await client.closed()).toBe('reset')
  expect(client.text).toMatch(/ 200 .*half/s)
  expect(client.text).not.toMatch(/\r\n0\r\n/)
})

test('from HTTP/2 to HTTP/2: trailers behind a body, and those that are the whole answer, as gRPC has them', async () => {
  const port = await origin((stream, { headers: seen, body }) => {
    if (seen[':path'] === '/refuse') return stream.respond({ ':status': 200, 'grpc-status': '7' }, { endStream: true })
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(`${seen.te} ${body}`)
  })
  const proxy = await proxyTo([h2c(port)], { listenerOverrides: { http2: 'cleartext' } })
  const session = http2.connect(`http://127.0.0.1:${proxy.port}`)
  cleanup.push(() => session.destroy())
  const call = async (path: string): Promise<string[]> => {
    const stream = session.request({ ':method': 'POST', ':path': path, te: 'trailers' })
    const got: string[] = []
    stream.on('response', (fields, flags) => got.push(`head ${fields['grpc-status']} ${(flags & END_STREAM) !== 0}`))
    stream.on('trailers', (fields) => got.push(`trailers ${fields['grpc-status']}`))
    stream.on('data', (bytes) => got.push(`${bytes}`))
    stream.end('tea')
    await once(stream, 'close')
    return got
  }
  expect(await call('/serve')).toEqual(['head undefined false', 'trailers tea', 'trailers 0'])
  expect(await call('/refuse')).toEqual(['head 7 true'])
})

const nghttpd = findProgram('nghttpd')

test.skipIf(nghttpd === null)('nghttpd sends and takes megabytes (skipped without nghttpd)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-nghttpd-'))
  cleanup.push(() => rmSync(folder, { recursive: true }))
  const file = Buffer.alloc(4 * 1024 * 1024, 'tea for two, ')
  writeFileSync(join(folder, 'tea'), file)
  const free = createServer()
  const port = await listening(free)
  await new Promise((closed) => free.close(closed))
  const server = spawn(nghttpd ?? '', ['--no-tls', '--echo-upload', '-a', '127.0.0.1', '-d', folder, `${port}`], {
    stdio: 'ignore',
  })
  cleanup.push(() => server.kill('SIGKILL'))
  await until(() => reachable(port), { what: 'nghttpd to listen' })
  const proxy = await proxyTo([h2c(port)])
  const hash = (body: string | Buffer): string =>
    createHash('sha1')
      .update(body as never, 'latin1')
      .digest('hex')
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(proxy, { target: '/tea' })))
  for (const { status, body } of answers) expect([status, hash(body)]).toEqual([200, hash(file)])
  const echo = await ask(proxy, { method: 'POST', target: '/echo', body: file.toString('latin1') })
  expect([echo.status, hash(echo.body)]).toEqual([200, hash(file)])
  expect((await ask(proxy, { target: '/none' })).status).toBe(404)
})

async function reachable(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}
