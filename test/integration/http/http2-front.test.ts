// HTTP/2 from clients ends in the same forwarding as HTTP/1.1: what a client of node:http2 sees of it.
import { afterEach, describe, expect, test } from 'vitest'
import { StreamingOrigin } from '../../support/streaming-origin.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { whole } from './support/answers.ts'
import { answerTo, Front, type FrontOptions } from './support/http2-front.ts'

let front: Front
async function start(options: FrontOptions = {}): Promise<void> {
  front = await Front.start(options)
}
afterEach(() => front.stop())

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'

describe('a request over HTTP/2', () => {
  test('reaches the upstream as HTTP/1.1, and its answer the client as HTTP/2', async () => {
    await start()
    front.blue.script = () => whole(200, 'well', ['X-Twice: one', 'X-Twice: two', 'Connection: X-Hop', 'X-Hop: 1'])
    const answer = await front.ask({ ':path': '/tea?with=milk', cookie: ['a=1', 'b=2'], 'x-own': 'yes' })
    expect(answer).toMatchObject({ status: 200, body: 'well', rstCode: 0 })
    expect(answer.headers).toMatchObject({ 'x-twice': 'one, two', 'content-length': '4', 'x-request-id': 'made-1' })
    expect(Object.keys(answer.headers)).not.toContain('x-hop')
    const [request] = front.blue.arrived
    expect(request).toMatchObject({ method: 'GET', target: '/tea?with=milk', version: '1.1', framing: 'none' })
    const fields = request?.fields ?? []
    expect(valuesOf(fields, 'host')).toEqual([`127.0.0.1:${front.port}`])
    expect(valuesOf(fields, 'cookie')).toEqual(['a=1; b=2'])
    expect(valuesOf(fields, 'x-own')).toEqual(['yes'])
    expect(valuesOf(fields, 'via')).toEqual(['2.0 understudy'])
    expect(valuesOf(fields, 'x-forwarded-proto')).toEqual(['http'])
  })

  test('comes through TLS as well', async () => {
    await start({ secure: true })
    expect(await front.ask({})).toMatchObject({ status: 200, body: 'by blue' })
    expect(valuesOf(front.blue.arrived[0]?.fields ?? [], 'x-forwarded-proto')).toEqual(['https'])
  })

  test('may have been read in part before it was known to be HTTP/2', async () => {
    await start({ peek: 24 })
    expect(await front.ask({}, 'one tea')).toMatchObject({ status: 200, body: 'by blue' })
    expect(front.blue.arrived[0]?.body).toBe('one tea')
  })

  test('with a length keeps it', async () => {
    await start()
    await front.ask({ ':method': 'PUT', 'content-length': '7' }, 'one tea')
    expect(front.blue.arrived).toMatchObject([{ method: 'PUT', body: 'one tea', framing: 'length' }])
  })

  test('without one is sent in chunks, its trailers behind them', async () => {
    await start()
    const stream = front.connect().request({ ':method': 'POST' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-checksum': 'abc', 'x-count': ['1', '2'] }))
    await answerTo(stream, 'one tea')
    expect(front.blue.arrived).toMatchObject([{ method: 'POST', body: 'one tea', framing: 'chunked' }])
    const trailers = [
      ['x-checksum', 'abc'],
      ['x-count', '1'],
      ['x-count', '2'],
    ]
    expect(front.blue.arrived[0]?.trailers).toEqual(trailers)
  })

  test('with trailers that belong into the head is refused', async () => {
    await start()
    const stream = front.connect().request({ ':method': 'POST' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'content-length': '7' }))
    expect(await answerTo(stream, 'one tea')).toMatchObject({ status: 400 })
    expect(front.blue.arrived).toEqual([])
  })

  test('gets its own answer, however many others are on the same connection', async () => {
    await start()
    front.blue.script = (request) => whole(200, request.target.repeat(400))
    const session = front.connect()
    const paths = Array.from({ length: 100 }, (_, index) => `/${index}/`)
    const answers = await Promise.all(paths.map((path) => answerTo(session.request({ ':path': path }))))
    expect(answers.map(({ body }) => body)).toEqual(paths.map((path) => path.repeat(400)))
    expect(front.connections.size).toBe(1)
  })
})

describe('an answer over HTTP/2', () => {
  test.each([204, 304])('with status %i has a head and nothing else', async (status) => {
    await start()
    front.blue.script = () => ({ bytes: `HTTP/1.1 ${status} Nothing\r\nETag: "a"\r\n\r\n` })
    expect(await front.ask({})).toMatchObject({ status, body: '', endedByHead: true, headers: { etag: '"a"' } })
  })

  test('to a HEAD says the length of what it leaves out', async () => {
    await start()
    front.blue.script = () => ({ bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n' })
    const answer = await front.ask({ ':method': 'HEAD' })
    expect(answer).toMatchObject({ status: 200, body: '', headers: { 'content-length': '5' }, rstCode: 0 })
  })

  test('with status 205 loses a body that it may not have', async () => {
    await start()
    front.blue.script = () => whole(205, 'what is this')
    const answer = await front.ask({})
    expect(answer).toMatchObject({ status: 205, body: '', rstCode: 0, error: '' })
    expect(answer.headers['content-length']).toBeUndefined()
  })

  test('that repeats a field that should be there once is passed on all the same', async () => {
    await start()
    front.blue.script = () => whole(200, 'well', ['ETag: "a"', 'ETag: "b"', 'Age: 1', 'Age: 1'])
    expect(await front.ask({})).toMatchObject({ status: 200, body: 'well' })
  })

  test('in chunks brings its trailers', async () => {
    await start()
    front.blue.script = () => ({ bytes: `${CHUNKED}\r\n4\r\nwell\r\n0\r\nX-Checksum: abc\r\n\r\n` })
    const answer = await front.ask({})
    expect(answer).toMatchObject({ status: 200, body: 'well', trailers: { 'x-checksum': 'abc' } })
    expect(answer.headers['transfer-encoding']).toBeUndefined()
  })

  test('leaves out a trailer that would be about the connection', async () => {
    await start()
    front.blue.script = () => ({ bytes: `${CHUNKED}\r\n4\r\nwell\r\n0\r\nHTTP2-Settings: a\r\nX-Sum: 1\r\n\r\n` })
    expect(await front.ask({})).toMatchObject({ body: 'well', trailers: { 'x-sum': '1' }, rstCode: 0 })
  })

  test('without any body ends with its head, although its length was not known', async () => {
    await start()
    front.blue.script = () => ({ bytes: `${CHUNKED}Grpc-Status: 5\r\n\r\n0\r\n\r\n` })
    expect(await front.ask({})).toMatchObject({ endedByHead: true, headers: { 'grpc-status': '5' }, rstCode: 0 })
  })

  test('that ends with the connection of the upstream ends as a whole one', async () => {
    await start()
    front.blue.script = () => ({ bytes: 'HTTP/1.1 200 OK\r\n\r\nto the end', after: 'end' })
    expect(await front.ask({})).toMatchObject({ status: 200, body: 'to the end', rstCode: 0 })
  })

  test('shows its head before there is any body', async () => {
    const origin = await StreamingOrigin.start((socket) => socket.write(`${CHUNKED}\r\n`))
    await start({ bluePort: origin.port })
    const stream = front.connect().request({ ':path': '/events' })
    await new Promise((resolve) => stream.once('response', resolve))
    for (const socket of origin.sockets) socket.end('4\r\nlate\r\n0\r\n\r\n')
    expect(await answerTo(stream)).toMatchObject({ body: 'late', rstCode: 0 })
    await origin.stop()
  })

  test('may be announced by early hints', async () => {
    await start()
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.css>\r\nConnection: x\r\n\r\n'
    front.blue.script = () => ({ bytes: `${hints}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell` })
    const answer = await front.ask({})
    expect(answer.interims).toMatchObject([{ ':status': 103, link: '</a.css>, </b.css>' }])
    expect(Object.keys(answer.interims[0] ?? {})).toEqual([':status', 'link'])
    expect(answer).toMatchObject({ status: 200, body: 'well' })
  })

  test('may be preceded by the request to go on', async () => {
    await start()
    const stream = front.connect().request({ ':method': 'POST', expect: '100-continue' })
    stream.once('continue', () => stream.end('one tea'))
    const answer = await answerTo(stream)
    expect(answer.interims).toMatchObject([{ ':status': 100 }])
    expect(answer).toMatchObject({ status: 200, body: 'by blue' })
    expect(front.blue.arrived[0]?.body).toBe('one tea')
  })

  test('before the end of the request is whole, and then the request is no longer wanted', async () => {
    const origin = await StreamingOrigin.start((socket) => {
      socket.write(`HTTP/1.1 413 Too Much\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`)
    })
    await start({ bluePort: origin.port })
    const session = front.connect()
    const stream = session.request({ ':method': 'POST' })
    stream.write('a beginning')
    const answer = await answerTo(stream)
    expect(answer).toMatchObject({ status: 413, body: 'x'.repeat(100_000), rstCode: 0, error: '' })
    expect(await answerTo(session.request({ ':path': '/' }))).toMatchObject({ status: 413 })
    await origin.stop()
  })
})
