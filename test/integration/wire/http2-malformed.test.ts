// Answers that are not valid HTTP/2 (RFC 9113 §8.1–8.3): nothing of them is ever taken for an answer.
import { afterEach, expect, test } from 'vitest'
import { type Asked, Heard, type Rig, rigTo } from './http2-rig.ts'
import {
  data,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  headers,
  RawHttp2Upstream,
  reset,
  uint32,
} from './raw-http2-upstream.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function start(answer: (stream: number) => Buffer[]): Promise<{ rig: Rig; upstream: RawHttp2Upstream }> {
  const upstream = await RawHttp2Upstream.answering(answer)
  const rig = rigTo(upstream.port)
  cleanup.push(
    () => upstream.stop(),
    () => rig.stop(),
  )
  return { rig, upstream }
}

async function answered(answer: (stream: number) => Buffer[], asked: Asked = {}): Promise<Heard> {
  const { rig } = await start(answer)
  const got = new Heard(rig.channels.acquire(true), asked)
  await got.end()
  return got
}

const whole =
  (...fields: [string, string][]) =>
  (stream: number) => [headers(stream, END_STREAM, ...fields)]
const OK: [string, string] = [':status', '200']

test('the raw upstream can be understood when it is right', async () => {
  const got = await answered((stream) => [headers(stream, 0, OK, ['x', 'y']), data(stream, END_STREAM, 'tea')])
  expect(got.said).toEqual(['connected', 'head 200 chunked', 'finished'])
})

test.each<[string, (stream: number) => Buffer[]]>([
  ['an upper-case name', whole(OK, ['X-Up', 'y'])],
  ['connection', whole(OK, ['connection', 'close'])],
  ['keep-alive', whole(OK, ['keep-alive', 'timeout=5'])],
  ['proxy-connection', whole(OK, ['proxy-connection', 'close'])],
  ['transfer-encoding', whole(OK, ['transfer-encoding', 'chunked'])],
  ['upgrade', whole(OK, ['upgrade', 'websocket'])],
  ['te', whole(OK, ['te', 'trailers'])],
  ['no :status', whole(['x', 'y'])],
  ['two :status', whole(OK, OK)],
  [':status behind a field', whole(['x', 'y'], OK)],
  [':status of two digits', whole([':status', '99'])],
  [':status that is no number', whole([':status', '2x0'])],
  [':status 600', whole([':status', '600'])],
  ["a request's pseudo field", whole(OK, [':path', '/'])],
  ['an unknown pseudo field', whole(OK, [':x', 'y'])],
  ['blanks before a value', whole(OK, ['x', ' y'])],
  ['a blank behind a value', whole(OK, ['x', 'y\t'])],
  ['content-length twice', whole(OK, ['content-length', '0'], ['content-length', '0'])],
  ['content-length that is no number', whole(OK, ['content-length', '+1'])],
  ['101', (stream) => [headers(stream, 0, [':status', '101'])]],
  ['an interim answer that ends the stream', whole([':status', '103'])],
  [
    'more interim answers than anybody needs',
    (stream) => Array.from({ length: 17 }, () => headers(stream, 0, [':status', '103'])),
  ],
  [
    'more fields than are let in',
    whole(OK, ...Array.from({ length: 101 }, (_, i): [string, string] => [`x${i}`, 'y'])),
  ],
  ['many more fields', whole(OK, ...Array.from({ length: 500 }, (_, i): [string, string] => [`x${i}`, 'y']))],
  [
    'a head that is too long',
    whole(OK, ...Array.from({ length: 9 }, (_, i): [string, string] => [`x${i}`, 'y'.repeat(1_900)])),
  ],
])('a head with %s is no answer', async (_, answer) => {
  const got = await answered(answer)
  expect(got.failure?.kind).toBe('protocol')
  expect(got.said.filter((what) => what.startsWith('head'))).toEqual([])
})

test('a head within the limits is let in, to the last field', async () => {
  const fields = Array.from({ length: 100 }, (_, i): [string, string] => [`x${i}`, 'y'.repeat(140)])
  expect((await answered(whole(OK, ...fields))).said).toEqual(['connected', 'head 200 none', 'finished'])
})

test.each([
  ['LF', 'a\nset-cookie: b'],
  ['CR', 'a\rb'],
  ['NUL', 'a\0b'],
])('a field with %s in it never gets through: node:http2 leaves it out', async (_, value) => {
  const got = await answered(whole(OK, ['x-bad', value], ['x-good', 'y']))
  expect(got.said).toContain('head 200 none')
  expect(got.headText).toBe('HTTP/1.1 200 OK\r\nx-good: y\r\nContent-Length: 0\r\n\r\n')
})

test.each<[string, (stream: number) => Buffer[]]>([
  ['shorter than its length', (s) => [headers(s, 0, OK, ['content-length', '5']), data(s, END_STREAM, 'tea')]],
  ['longer than its length', (s) => [headers(s, 0, OK, ['content-length', '1']), data(s, END_STREAM, 'tea')]],
  ['where none may be', (s) => [headers(s, 0, [':status', '204']), data(s, END_STREAM, 'tea')]],
  ['none, but a length', whole(OK, ['content-length', '5'])],
  ['cut off by a reset without an error', (s) => [headers(s, 0, OK), data(s, 0, 'tea'), reset(s, 0)]],
  ['cut off by a reset', (s) => [headers(s, 0, OK), data(s, 0, 'tea'), reset(s, 2)]],
  ['with a second head behind it', (s) => [headers(s, 0, OK), data(s, 0, 'tea'), headers(s, END_STREAM, OK)]],
  ['with fields in mid-stream', (s) => [headers(s, 0, OK), data(s, 0, 'tea'), headers(s, 0, ['x', 'y'])]],
  [
    'with connection in the trailers',
    (s) => [headers(s, 0, OK), data(s, 0, 'tea'), headers(s, END_STREAM, ['connection', 'x'])],
  ],
  [
    'with content-length in the trailers',
    (s) => [headers(s, 0, OK), data(s, 0, 'tea'), headers(s, END_STREAM, ['content-length', '3'])],
  ],
  [
    'with set-cookie in the trailers',
    (s) => [headers(s, 0, OK), data(s, 0, 'tea'), headers(s, END_STREAM, ['set-cookie', 'a=b'])],
  ],
  [
    'with too long trailers',
    (s) => [headers(s, 0, OK), data(s, 0, 'tea'), headers(s, END_STREAM, ['x', 'y'.repeat(5_000)])],
  ],
])('a body %s never looks whole', async (_, answer) => {
  const got = await answered(answer)
  expect(['truncated', 'protocol']).toContain(got.failure?.kind)
  expect(got.said).not.toContain('finished')
  expect(got.text).not.toContain('0\r\n\r\n')
})

test('a body that has its length is whole, whatever error its stream is then not reset with', async () => {
  const got = await answered((s) => [headers(s, 0, OK, ['content-length', '3']), data(s, 0, 'tea'), reset(s, 0)])
  expect([got.failure, got.text]).toEqual([null, 'tea'])
})

test('a pushed answer ends the connection', async () => {
  const got = await answered((stream) => [
    frame(
      FRAME.PUSH_PROMISE,
      4,
      stream,
      Buffer.concat([
        uint32(2),
        headerBlock([
          [':method', 'GET'],
          [':path', '/'],
          [':scheme', 'http'],
          [':authority', 'x'],
        ]),
      ]),
    ),
  ])
  expect(got.failure?.kind).toBe('protocol')
})

test('what is not HTTP/2 at all is found out before anything is sent', async () => {
  const { rig, upstream } = await start(() => [])
  for (const method of ['GET', 'POST']) {
    const old = await RawHttp2Upstream.start(() => {}, { settings: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') })
    cleanup.push(() => old.stop())
    const to = rigTo(old.port)
    cleanup.push(() => to.stop())
    const got = new Heard(to.channels.acquire(true), { method })
    expect(await got.end()).toBe('protocol')
    expect(got.said).toEqual(['failed protocol'])
    expect(old.frames.filter(({ type }) => type === FRAME.HEADERS)).toEqual([])
  }
  expect([rig.connects, upstream.frames]).toEqual([0, []])
})

test('a malformed answer harms no other on the same connection', async () => {
  const { rig, upstream } = await start((stream) =>
    stream === 3 ? whole(OK, ['X-Up', 'y'])(stream) : stream === 1 ? [] : whole(OK)(stream),
  )
  const first = new Heard(rig.channels.acquire(true))
  await first.signal.until(() => first.said.includes('connected'), 'the connection')
  expect(await new Heard(rig.channels.acquire(true)).end()).toBe('protocol')
  expect(await new Heard(rig.channels.acquire(true)).end()).toBe('finished')
  for (const socket of upstream.sockets) for (const bytes of whole(OK)(1)) socket.write(bytes)
  expect(await first.end()).toBe('finished')
  expect(rig.connects).toBe(1)
})
