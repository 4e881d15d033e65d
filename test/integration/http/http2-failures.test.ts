// What an HTTP/2 client sees when upstreams fail, and what upstreams see when a client does.
import { afterEach, describe, expect, test } from 'vitest'
import { blue, green, operator } from '../../support/simulated-pool.ts'
import { StreamingOrigin } from '../../support/streaming-origin.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, halfHead, largeCut, reset, smallCut, whole } from './support/answers.ts'
import { answerTo, Front, type FrontOptions } from './support/http2-front.ts'
import { headers, RawHttp2, settings } from './support/raw-http2.ts'

const INTERNAL_ERROR = 2
const CANCEL = 8
const GET = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'shop.test'],
] as const

let front: Front
async function start(options: FrontOptions = {}): Promise<void> {
  front = await Front.start(options)
}
afterEach(() => front.stop())

function disableBoth(): void {
  for (const upstream of [blue, green]) {
    front.runtime.command({ name: 'disable', upstream, force: true }, operator)
  }
}

describe('a request whose upstream fails', () => {
  test.each(['GET', 'POST'])('%s goes to the standby when the active refuses connections', async (method) => {
    await start()
    await front.blue.stop()
    const answer = await front.ask({ ':method': method }, method === 'POST' ? 'one tea' : undefined)
    expect(answer).toMatchObject({ status: 200, body: 'by green' })
    expect(front.green.arrived).toMatchObject([{ method, body: method === 'POST' ? 'one tea' : '' }])
    expect(front.records).toMatchObject([{ rescued: 'replay', upstream: green }])
  })

  test.each([
    ['a reset', reset],
    ['half a head', halfHead],
    ['half of a small answer', smallCut],
  ])('GET goes to the standby after %s', async (_, failure) => {
    await start()
    front.blue.script = () => failure
    expect(await front.ask({})).toMatchObject({ status: 200, body: 'by green' })
    expect(front.blue.arrived.length).toBe(1)
  })

  test('POST is not sent again, for it may have been executed', async () => {
    await start()
    front.blue.script = () => reset
    const answer = await front.ask({ ':method': 'POST', accept: 'application/json' }, 'one tea')
    expect(answer).toMatchObject({ status: 502, headers: { 'understudy-error': 'upstream_broke' } })
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_broke' })
    expect(answer.headers.connection).toBeUndefined()
    expect(front.green.arrived).toEqual([])
  })

  test('waits while there is no upstream, and goes on when there is one', async () => {
    await start()
    disableBoth()
    const answer = front.ask({ ':method': 'POST' }, 'one tea')
    await front.signal.until(() => front.connections.size === 1, 'the connection')
    await expect.poll(() => front.runtime.hold.size).toBe(1)
    front.runtime.command({ name: 'enable', upstream: green, force: false }, operator)
    expect(await answer).toMatchObject({ status: 200, body: 'by green' })
    expect(front.records).toMatchObject([{ rescued: 'hold' }])
  })

  test('gets 503 with Retry-After when there is none for too long', async () => {
    await start({ policy: { hold: { time: 50 } } })
    disableBoth()
    const answer = await front.ask({})
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1', 'understudy-error': 'no_upstream' } })
    expect(answer.headers['x-request-id']).toBe('made-1')
  })

  test('gets 503 at once when as many wait as may', async () => {
    await start({ holdRequests: 0 })
    disableBoth()
    const answer = await front.ask({})
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1', 'understudy-error': 'overloaded' } })
  })

  test('gets an answer without a body when it was a HEAD', async () => {
    await start({ policy: { hold: { time: 50 } } })
    disableBoth()
    expect(await front.ask({ ':method': 'HEAD' })).toMatchObject({ status: 503, body: '', rstCode: 0 })
  })
})

describe('an answer that the upstream breaks off', () => {
  test('is visibly not whole', async () => {
    await start()
    front.blue.script = () => largeCut
    const answer = await front.ask({})
    expect(answer).toMatchObject({ status: 200, rstCode: INTERNAL_ERROR })
    expect(answer.body.length).toBeLessThan(1_000_000)
    expect(front.records).toMatchObject([{ error: 'truncated' }])
  })

  test.each([
    ['of known length', 'Content-Length: 1000000', 'x'.repeat(50_000)],
    ['in chunks', 'Transfer-Encoding: chunked', '3\r\nabc\r\n'],
    ['in chunks without any', 'Transfer-Encoding: chunked', ''],
  ])('%s never ends like a whole one', async (_, framing, body) => {
    const gate = new Gate()
    const origin = await StreamingOrigin.start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${body}`)
      gate.opened.then(() => socket.end())
    })
    await start({ bluePort: origin.port })
    const client = await RawHttp2.open(front.port, settings([4, 1_000_000]), headers(GET))
    await client.until(() => client.of('HEADERS').length === 1, 'the head')
    // All that there is has been taken: nothing is left whose loss would show.
    await client.caughtUp()
    gate.open()
    await client.until(() => client.ended || client.reset() !== undefined, 'the end')
    expect([client.ended, client.reset()]).toEqual([false, INTERNAL_ERROR])
    client.destroy()
    await origin.stop()
  })

  test('is unavailable in the words of gRPC to those who speak it', async () => {
    const origin = await StreamingOrigin.start((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    })
    await start({ bluePort: origin.port })
    const answer = await front.ask({ ':method': 'POST', 'content-type': 'application/grpc+proto', te: 'trailers' }, 'q')
    expect(answer).toMatchObject({ status: 200, body: 'abc', rstCode: 0 })
    expect(answer.trailers).toMatchObject({ 'grpc-status': '14', 'grpc-message': 'the upstream broke off' })
    expect(front.records).toMatchObject([{ error: 'truncated' }])
    await origin.stop()
  })

  test('is reset for gRPC too where trailers cannot follow', async () => {
    await start()
    front.blue.script = () => largeCut
    const answer = await front.ask({ ':method': 'POST', 'content-type': 'application/grpc' }, 'q')
    expect(answer).toMatchObject({ rstCode: INTERNAL_ERROR, trailers: {} })
  })
})

describe('a client that goes away', () => {
  const silent = () => null

  test('by cancelling its stream takes the request back from the upstream', async () => {
    await start()
    front.blue.script = silent
    const session = front.connect()
    const stream = session.request({ ':path': '/slow' })
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    stream.close(CANCEL)
    await front.blue.until(() => [...front.blue.connections].every(({ ending }) => ending !== 'open'), 'its end')
    expect(front.records).toMatchObject([{ status: 0, error: 'client-gone', attempts: [] }])
    expect(front.inFlight).toBe(0)
    front.blue.script = () => whole(200, 'still here')
    expect(await answerTo(session.request({}))).toMatchObject({ status: 200, body: 'still here' })
  })

  test('with its connection takes all its requests back', async () => {
    await start()
    front.blue.script = silent
    const session = front.connect()
    for (const method of ['GET', 'HEAD', 'POST']) session.request({ ':method': method }).on('error', () => {})
    await front.blue.until(() => front.blue.connections.size === 3, 'the requests')
    session.destroy()
    await front.signal.until(() => front.ended === 1 && front.records.length === 3, 'the connection to end')
    expect(front.records.map(({ error }) => error)).toEqual(['client-gone', 'client-gone', 'client-gone'])
    expect(front.inFlight).toBe(0)
  })

  test('while its answer flows stops the upstream', async () => {
    const origin = await StreamingOrigin.start((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nfor ever and'))
    await start({ bluePort: origin.port })
    const stream = front.connect().request({})
    await new Promise((resolve) => stream.once('data', resolve))
    stream.close(CANCEL)
    await origin.signal.until(() => origin.sockets.size === 0, 'the upstream to be let go')
    expect(front.records).toMatchObject([{ status: 200, error: 'client-gone' }])
    await origin.stop()
  })
})

describe('a connection that is drained', () => {
  test('finishes its streams, takes no more, and ends', async () => {
    await start()
    let answer = (): void => {}
    const before = new Promise<void>((resolve) => {
      answer = resolve
    })
    front.blue.script = () => ({ ...whole(200, 'in time'), before })
    const session = front.connect()
    const pending = answerTo(session.request({}))
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    const goaway = new Promise<number>((resolve) => session.once('goaway', resolve))
    for (const connection of front.connections) connection.closeWhenDone()
    expect(await goaway).toBe(0)
    expect(front.ended).toBe(0)
    answer()
    expect(await pending).toMatchObject({ status: 200, body: 'in time', rstCode: 0 })
    await front.signal.until(() => front.ended === 1, 'the connection to end')
    expect(front.blue.arrived.length).toBe(1)
  })

  test('ends at once when nothing is under way', async () => {
    await start()
    const session = front.connect()
    await answerTo(session.request({}))
    for (const connection of front.connections) connection.closeWhenDone()
    await front.signal.until(() => front.ended === 1, 'the connection to end')
    expect(session.destroyed).toBe(true)
  })

  test('lets go of everything when it is killed', async () => {
    await start()
    front.blue.script = silent
    const answer = answerTo(front.connect().request({}))
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    for (const connection of front.connections) connection.kill()
    expect((await answer).status).toBe(0)
    await front.signal.until(() => front.ended === 1 && front.records.length === 1, 'the connection to end')
    expect(front.inFlight).toBe(0)
  })

  const silent = () => null
})

test('the standby that takes over is asked with the same request', async () => {
  await start()
  await front.blue.stop()
  await front.ask({ ':method': 'PUT', 'content-length': '7', 'x-request-id': 'mine' }, 'one tea')
  const fields = front.green.arrived[0]?.fields ?? []
  expect(valuesOf(fields, 'x-request-id')).toEqual(['mine'])
  expect(front.green.arrived[0]?.body).toBe('one tea')
})
