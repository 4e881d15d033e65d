// HTTP/2 to an upstream: what of an HTTP/1.1 message arrives there, and what comes back.
import { once } from 'node:events'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { afterEach, expect, test } from 'vitest'
import { Http2Origin, type Seen } from './http2-origin.ts'

const origins: Http2Origin[] = []
afterEach(async () => {
  for (const origin of origins.splice(0)) await origin.stop()
})

async function originThat(
  answer: (stream: ServerHttp2Stream, seen: Seen) => void,
  early = false,
): Promise<Http2Origin> {
  const origin = await Http2Origin.start(answer, { early })
  origins.push(origin)
  return origin
}

const noContent = (stream: ServerHttp2Stream): void => stream.respond({ ':status': 204 }, { endStream: true })

test('a request line and Host become pseudo fields, the fields keep their order, in lower case, and te asks for trailers', async () => {
  const origin = await originThat(noContent)
  const fields = ['Accept: */*', 'X-Twice: 1', 'X-Twice: 2', 'Cookie: a=b; c=d', 'X-Latin: caf\xe9', 'X-Empty:']
  const got = origin.ask({ path: '/tea?x=1', fields })
  expect(await got.end()).toBe('finished')
  const [seen] = origin.seen
  expect(seen?.raw.slice(0, 8)).toEqual([
    ':method',
    'GET',
    ':scheme',
    'http',
    ':authority',
    'shop.test',
    ':path',
    '/tea?x=1',
  ])
  expect(seen?.raw.slice(8, 18)).toEqual([
    'accept',
    '*/*',
    'x-twice',
    '1',
    'x-twice',
    '2',
    'cookie',
    'a=b; c=d',
    'x-latin',
    'caf\xe9',
  ])
  expect(seen?.raw.slice(18)).toEqual(['x-empty', '', 'te', 'trailers'])
  expect(got.said).toEqual(['connected', 'head 204 none', 'finished'])
})

test('fields that may come once, but came twice, are passed on instead of breaking anything', async () => {
  const origin = await originThat(noContent)
  expect(await origin.ask({ fields: ['Authorization: a', 'Authorization: b'] }).end()).toBe('finished')
  expect(origin.seen[0]?.raw.filter((text) => text === 'authorization')).toHaveLength(2)
})

test('an upgrade that is asked for is not passed on, and the request is', async () => {
  const origin = await originThat(noContent)
  const got = origin.ask({ fields: ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x'] })
  expect(await got.end()).toBe('finished')
  expect(origin.seen[0]?.headers).not.toHaveProperty('upgrade')
  expect(origin.seen[0]?.headers).toHaveProperty('sec-websocket-key', 'x')
})

test('a body with a length arrives with it, however it is written', async () => {
  const origin = await originThat(noContent)
  const got = origin.ask({ method: 'POST', fields: ['Content-Length: 12'], open: true })
  const { channel } = got
  await got.signal.until(() => got.said.includes('connected'), 'the connection')
  channel.writeText('one ')
  channel.writeKept(Buffer.from('two '))
  const shared = Buffer.from('..tea!..')
  channel.writeFrom(origin as never, shared, 2, 6)
  // Whoever reads into it goes on at once.
  shared.fill(0)
  channel.requestFinished()
  expect(await got.end()).toBe('finished')
  expect(origin.seen[0]?.body).toBe('one two tea!')
  expect(origin.seen[0]?.headers['content-length']).toBe('12')
})

test('a chunked body loses its framing wherever it is cut, and its trailers arrive as trailers', async () => {
  const origin = await originThat(noContent)
  const got = origin.ask({ method: 'POST', fields: ['Transfer-Encoding: chunked'], open: true })
  const { channel } = got
  await got.signal.until(() => got.said.includes('connected'), 'the connection')
  for (const letter of '3\r\none\r\n4;ext=1\r\n two\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\nHTTP2-Settings: x\r\n\r\n')
    channel.writeText(letter)
  channel.requestFinished()
  expect(await got.end()).toBe('finished')
  expect(origin.seen[0]?.body).toBe('one two')
  expect(origin.seen[0]?.headers).not.toHaveProperty('transfer-encoding')
  expect(origin.seen[0]?.trailers).toEqual(['x-sum', '1', 'x-sum', '2'])
})

test('a chunked body without trailers ends all the same', async () => {
  const origin = await originThat(noContent)
  const got = origin.ask({ method: 'POST', fields: ['Transfer-Encoding: chunked'], open: true })
  await got.signal.until(() => got.said.includes('connected'), 'the connection')
  got.channel.writeText('0\r\n\r\n')
  got.channel.requestFinished()
  expect(await got.end()).toBe('finished')
  expect([origin.seen[0]?.body, origin.seen[0]?.trailers]).toEqual(['', null])
})

test('an answer with a length comes as it is', async () => {
  const origin = await originThat((stream) => {
    stream.respond({ ':status': 200, 'content-length': 3, 'set-cookie': ['a=1', 'b=2'] })
    stream.end('tea')
  })
  const got = origin.ask()
  expect(await got.end()).toBe('finished')
  expect(got.said).toEqual(['connected', 'head 200 length', 'finished'])
  expect(got.text).toBe('tea')
  expect(got.headText).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(got.headText).toMatch(/set-cookie: a=1\r\nset-cookie: b=2\r\n/)
  expect(got.batches).toBeGreaterThan(0)
})

test('an answer without a length comes in chunks, with its trailers behind the last', async () => {
  const origin = await originThat((stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': ['1', '2'] }))
    stream.end('tea')
  })
  const got = origin.ask()
  expect(await got.end()).toBe('finished')
  expect(got.said).toContain('head 200 chunked')
  expect(got.text).toBe('3\r\ntea\r\n0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n')
  expect(got.trailers).toBe('')
})

test('who wants the bare content gets it, and the trailers at the end', async () => {
  const origin = await originThat((stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end('tea')
  })
  const got = origin.ask({ bareBody: true })
  expect(await got.end()).toBe('finished')
  expect([got.text, got.trailers]).toEqual(['tea', 'grpc-status: 0\r\n'])
})

test.each([
  ['GET', 200, 'head 200 none', /content-length: 0\r\n/i],
  ['HEAD', 200, 'head 200 none', /200 OK\r\n(?!.*content-length)/is],
  ['GET', 204, 'head 204 none', /204 No Content\r\n(?!.*content-length)/is],
  ['GET', 304, 'head 304 none', /304 Not Modified\r\n(?!.*content-length)/is],
])('an answer that ends with its head: %s, %d', async (method, status, said, text) => {
  const origin = await originThat((stream) => stream.respond({ ':status': status }, { endStream: true }))
  const got = origin.ask({ method })
  expect(await got.end()).toBe('finished')
  expect(got.said).toContain(said)
  expect(got.headText).toMatch(text)
  expect(got.text).toBe('')
})

test('the length of what a HEAD asks about is passed on', async () => {
  const origin = await originThat((stream) =>
    stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: true }),
  )
  const got = origin.ask({ method: 'HEAD' })
  expect(await got.end()).toBe('finished')
  expect(got.headText).toMatch(/content-length: 5\r\n/)
})

test('the head of an answer is handed on before any of its body has come', async () => {
  const origin = await originThat((stream) => stream.respond({ ':status': 200 }))
  const got = origin.ask()
  expect(await got.head()).toBe(200)
  await got.signal.until(() => got.batches > 0, 'the batch that sends it on')
  origin.seen[0]?.stream.end()
  expect(await got.end()).toBe('finished')
})

test('interim answers come first; a body waits for 100 Continue', async () => {
  const origin = await originThat((stream, seen) => {
    stream.additionalHeaders({ ':status': 103, link: '</style.css>' })
    stream.additionalHeaders({ ':status': 100 })
    stream.on('data', (bytes: Buffer) => {
      seen.body += bytes
    })
    stream.on('end', () => noContent(stream))
  }, true)
  const got = origin.ask({ method: 'POST', fields: ['Expect: 100-continue', 'Content-Length: 3'], open: true })
  await got.signal.until(() => got.said.includes('interim 100 Continue'), '100 Continue')
  expect(origin.seen[0]?.headers.expect).toBe('100-continue')
  got.channel.writeText('tea')
  got.channel.requestFinished()
  expect(await got.end()).toBe('finished')
  expect(got.said).toEqual([
    'connected',
    'interim 103 Early Hints',
    'interim 100 Continue',
    'head 204 none',
    'finished',
  ])
  expect(origin.seen[0]?.body).toBe('tea')
})

test('an answer before the end of the request is whole, and the rest of the request is not sent', async () => {
  const origin = await originThat((stream) => {
    // Goes on reading, so that it is not the one to end the stream.
    stream.resume()
    stream.respond({ ':status': 413 })
    stream.end('too much')
  }, true)
  const got = origin.ask({ method: 'POST', fields: ['Content-Length: 1000'], open: true, bareBody: true })
  expect(await got.end()).toBe('finished')
  expect([got.status, got.text]).toEqual([413, 'too much'])
  const stream = origin.seen[0]?.stream
  await once(stream as ServerHttp2Stream, 'close')
  expect(stream?.rstCode).toBe(constants.NGHTTP2_CANCEL)
  expect(await origin.ask().head()).toBe(413)
  expect(origin.rig.connects).toBe(1)
})

test('a reset without an error behind a whole answer is how a server says that it wants no more of the request', async () => {
  const origin = await originThat((stream) => {
    stream.respond({ ':status': 413 })
    stream.end('too much', () => stream.close(constants.NGHTTP2_NO_ERROR))
  }, true)
  const got = origin.ask({ method: 'POST', fields: ['Content-Length: 1000'], open: true, bareBody: true })
  expect(await got.end()).toBe('finished')
  expect([got.status, got.text]).toEqual([413, 'too much'])
})
