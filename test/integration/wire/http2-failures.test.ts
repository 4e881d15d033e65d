// How an exchange over HTTP/2 can fail, and what is said of it: once, and so that the right thing can be done about it.
import type { Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { ConnectTls } from '../../../src/wire/connect-to.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { turns } from '../../support/signal.ts'
import { type Asked, Heard, listening, type Rig, rigTo } from './http2-rig.ts'
import { data, END_STREAM, FRAME, goaway, headers, RawHttp2Upstream, reset } from './raw-http2-upstream.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

type Started = { rig: Rig; upstream: RawHttp2Upstream; ask: (asked?: Asked) => Heard }

/** `answer` is called for the head of every request. */
async function start(answer: (stream: number, socket: Socket) => Buffer[] | undefined): Promise<Started> {
  const upstream = await RawHttp2Upstream.start((frame, socket) => {
    if (frame.type !== FRAME.HEADERS) return
    for (const bytes of answer(frame.stream, socket) ?? []) socket.write(bytes)
  })
  const rig = rigTo(upstream.port)
  cleanup.push(
    () => upstream.stop(),
    () => rig.stop(),
  )
  return { rig, upstream, ask: (asked) => new Heard(rig.channels.acquire(true), asked) }
}

const head = (stream: number): Buffer => headers(stream, 0, [':status', '200'])
const connected = (got: Heard): Promise<true> =>
  got.signal.until(() => got.said.includes('connected'), 'the connection')

test.each<[string, string, (stream: number, socket: Socket) => Buffer[]]>([
  ['REFUSED_STREAM proves that nothing was done', 'unprocessed', (s) => [reset(s, 7)]],
  ['a reset before the head', 'reset', (s) => [reset(s, 2)]],
  ['a reset with CANCEL before the head', 'reset', (s) => [reset(s, 8)]],
  ['a reset without an error before the head', 'reset', (s) => [reset(s, 0)]],
  ['a reset behind the head', 'truncated', (s) => [head(s), reset(s, 2)]],
  ['a reset with CANCEL behind the head', 'truncated', (s) => [head(s), reset(s, 8)]],
  ['REFUSED_STREAM behind the head proves nothing any more', 'truncated', (s) => [head(s), reset(s, 7)]],
  ['GOAWAY with a last stream below it', 'unprocessed', (s) => [goaway(s - 1, 0)]],
  ['GOAWAY with an error and a last stream below it', 'unprocessed', (s) => [goaway(s - 1, 11)]],
  ['GOAWAY with an error, about the stream itself', 'reset', (s) => [goaway(s, 2)]],
  ['GOAWAY with an error, behind the head', 'truncated', (s) => [head(s), goaway(s, 2)]],
])('%s: %s', async (_, kind, answer) => {
  const { ask } = await start(answer)
  const got = ask({ method: 'POST', body: 'tea' })
  expect(await got.end()).toBe(kind)
  await turns(5)
  expect(got.ended).toBe(1)
})

test.each<[string, (socket: Socket) => void]>([
  ['closed', (socket) => socket.end()],
  ['reset', (socket) => socket.resetAndDestroy()],
])('a connection that is %s: reset before a head, truncated behind one', async (_, close) => {
  const { ask, upstream } = await start((stream) => (stream === 3 ? [head(stream)] : undefined))
  const before = ask()
  await connected(before)
  const behind = ask()
  expect(await behind.head()).toBe(200)
  for (const socket of upstream.sockets) close(socket)
  expect(await before.end()).toBe('reset')
  expect(await behind.end()).toBe('truncated')
})

test('HTTP_1_1_REQUIRED is explained', async () => {
  const { ask } = await start((stream) => [reset(stream, 13)])
  const got = ask()
  expect(await got.end()).toBe('protocol')
  expect(got.failure?.detail).toMatch(/http:\/\//)
})

test('behind GOAWAY what was accepted is finished, and what comes next has a new connection', async () => {
  let first: Socket | null = null
  const { ask, rig, upstream } = await start((stream, socket) => {
    first ??= socket
    return socket === first ? undefined : [reset(stream, 8)]
  })
  const got = ask()
  await connected(got)
  const socket = await upstream.signal.until(() => first ?? undefined, 'the request')
  // First of all streams, then, once none can be under way any more, of those that came (RFC 9113 §6.8).
  socket.write(goaway(0x7fffffff, 0))
  await rig.signal.until(() => rig.heard > 1, 'GOAWAY')
  expect(await ask().end()).toBe('reset')
  expect(rig.connects).toBe(2)
  socket.write(Buffer.concat([goaway(1, 0), head(1), data(1, END_STREAM, 'tea')]))
  expect(await got.end()).toBe('finished')
})

test('whoever lets go of a request half sent resets its stream, never ends it: half a body must not pass for a whole one', async () => {
  for (const framing of ['Transfer-Encoding: chunked', 'Content-Length: 100']) {
    for (const how of ['discard', 'fail'] as const) {
      const { ask, upstream } = await start((stream) => [head(stream)])
      const got = ask({ method: 'POST', fields: [framing], open: true })
      await connected(got)
      got.channel.writeText('3\r\ntea\r\n')
      expect(await got.head()).toBe(200)
      if (how === 'discard') got.channel.discard()
      else got.channel.fail('timeout', 'enough')
      const { signal } = upstream
      await signal.until(() => upstream.frames.some(({ type }) => type === FRAME.RST_STREAM), 'the reset')
      const ends = upstream.frames.filter(({ type, flags }) => type === FRAME.DATA && flags & END_STREAM)
      expect(ends, `${framing}, ${how}`).toEqual([])
      expect(upstream.frames.at(-1)?.payload.readUInt32BE()).toBe(8)
      expect(got.ended).toBe(how === 'discard' ? 0 : 1)
    }
  }
})

test('a request under way when the upstream is taken out of service never passes for a whole one either', async () => {
  const { ask, upstream, rig } = await start((stream) => [head(stream)])
  const got = ask({ method: 'POST', fields: ['Transfer-Encoding: chunked'], open: true })
  expect(await got.head()).toBe(200)
  rig.channels.closeAll()
  expect(await got.end()).toBe('aborted')
  await upstream.signal.until(() => upstream.sockets.size === 0, 'the end of the connection')
  for (const { type, payload } of upstream.frames) if (type === FRAME.RST_STREAM) expect(payload.readUInt32BE()).toBe(8)
  expect(upstream.frames.filter(({ type, flags }) => type === FRAME.DATA && flags & END_STREAM)).toEqual([])
})

test('a discarded exchange is quiet, and its connection goes on', async () => {
  const { ask, rig, upstream } = await start((stream) =>
    stream === 1 ? undefined : [head(stream), data(stream, END_STREAM, 'tea')],
  )
  const got = ask()
  await connected(got)
  got.channel.discard()
  const [socket] = upstream.sockets
  socket?.write(Buffer.concat([head(1), data(1, END_STREAM, 'late')]))
  expect(await ask().end()).toBe('finished')
  expect([got.said, rig.connects]).toEqual([['connected'], 1])
})

test('whoever waits for a first byte, or for more, is told that it may be in vain', async () => {
  const { ask, rig } = await start((stream) => (stream === 1 ? [head(stream)] : undefined))
  const answered = ask()
  expect(await answered.head()).toBe(200)
  const waiting = ask()
  await connected(waiting)
  const leaving = ask()
  await connected(leaving)
  leaving.whenAbandoned = () => leaving.channel.discard()
  rig.channels.abandonWaiting('no answer anywhere')
  expect([answered, waiting, leaving].map(({ said }) => said.includes('abandoned'))).toEqual([true, true, true])
})

test('a port that nobody listens on: refused, for everyone who waited', async () => {
  const { upstream } = await start(() => [])
  await upstream.stop()
  const rig = rigTo(upstream.port)
  cleanup.push(() => rig.stop())
  const both = [new Heard(rig.channels.acquire(true)), new Heard(rig.channels.acquire(true))]
  expect(await Promise.all(both.map((got) => got.end()))).toEqual(['refused', 'refused'])
  expect(rig.connects).toBe(0)
})

test('an upstream that accepts and closes: reset, and nothing was sent', async () => {
  const { rig, upstream, ask } = await start(() => [])
  upstream.onSocket = (socket) => socket.destroy()
  const got = ask()
  expect(await got.end()).toBe('reset')
  expect([got.said, rig.connects]).toEqual([['failed reset'], 1])
})

async function tlsServer(protocols: string[] | undefined): Promise<number> {
  const server = createTlsServer({ cert: certificate, key, ...(protocols ? { ALPNProtocols: protocols } : {}) })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => socket.on('error', () => {}))
  const port = await listening(server)
  cleanup.push(() => new Promise((closed) => server.close(closed)))
  return port
}

const trusting: ConnectTls = { serverName: 'understudy.test', verify: true, ca: certificate, identity: null }

test.each([
  ['does not know ALPN', undefined, trusting, /ALPN h2.*https:\/\//],
  ['chooses no protocol', ['http/1.1'], trusting, /ALPN h2.*https:\/\//],
  ['has an unknown authority', ['h2'], { ...trusting, ca: null }, /self-signed/],
  ['has another name', ['h2'], { ...trusting, serverName: 'other.test' }, /other\.test/],
])('a server behind TLS that %s is not talked to', async (_, protocols, tls, detail) => {
  const rig = rigTo(await tlsServer(protocols), { tls })
  cleanup.push(() => rig.stop())
  const got = new Heard(rig.channels.acquire(true))
  expect(await got.end()).toBe('tls')
  expect(got.failure?.detail).toMatch(detail)
  expect([got.said, rig.connects]).toEqual([['failed tls'], 0])
})
