// What an application's server would change, lose or stumble over on the way between a client and an upstream.
import { afterEach, describe, expect, test } from 'vitest'
import { Stream, settled } from '../../support/streaming-origin.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, whole } from '../http/support/answers.ts'
import { head, ShopApp, type ShopOptions } from './support/shop-app.ts'

let shop: ShopApp
const serve = async (options: ShopOptions = {}): Promise<ShopApp> => {
  shop = await ShopApp.build(options)
  await shop.listen()
  return shop
}
afterEach(() => shop.stop())

const MEBIBYTE = 1_048_576

describe('an answer', () => {
  test.each([
    ['with a length', 'Content-Length: 5\r\nTrailer: X-Sum\r\n\r\nhello', 'GET', 'hello'],
    ['without a body', 'Content-Length: 5\r\nTrailer: X-Sum\r\n\r\n', 'HEAD', ''],
    [
      'in chunks',
      'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
      'GET',
      'hello',
    ],
  ])('%s may announce trailers', async (_, rest, method, body) => {
    const { blue } = await serve()
    blue.serve = () => ({ bytes: `HTTP/1.1 200 OK\r\n${rest}` })
    const answer = await shop.send(head(`${method} / HTTP/1.1`), method)
    expect(answer).toMatchObject({ status: 200, body })
    expect(answer.trailers).toEqual(rest.includes('chunked') ? [['x-sum', '1']] : [])
  })

  test('in chunks comes to an HTTP/1.0 client without them', async () => {
    const { blue } = await serve()
    blue.serve = () => ({
      bytes:
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
    })
    const client = await shop.connect()
    await client.send('GET / HTTP/1.0\r\n\r\n')
    expect(await client.closed()).toBe('end')
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/)
  })

  test.each([
    ['at once', 'Content-Length: 2\r\n\r\nhi'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'],
    ['without a body', 'Content-Length: 0\r\n\r\n'],
    ['with its body later', 'Transfer-Encoding: chunked\r\n\r\n'],
  ])('%s keeps the bytes of its fields, whatever their encoding', async (_, rest) => {
    const { blue } = await serve()
    const odd = ['X-Latin: caf\xe9', 'Content-Disposition: attachment; filename="caf\xc3\xa9.txt"', 'X-CaSe: kept']
    const gate = new Gate()
    blue.serve = () => ({ bytes: Buffer.from(`HTTP/1.1 200 Tr\xe8s bien\r\n${odd.join('\r\n')}\r\n${rest}`, 'latin1') })
    const client = await shop.connect()
    await client.send(head('GET / HTTP/1.1'))
    await expect.poll(() => client.text).toContain('\r\n\r\n')
    for (const line of odd) expect(client.text).toContain(`${line}\r\n`)
    expect(client.text).toMatch(/^HTTP\/1\.1 200 Tr\xe8s bien\r\n/)
    gate.open()
  })

  test('may be preceded by others', async () => {
    const { blue } = await serve()
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: not really a link\r\n\r\n'
    blue.serve = () => ({ bytes: `HTTP/1.1 102 Processing\r\n\r\n${hints}${whole(200, 'well').bytes}` })
    const client = await shop.connect()
    await client.send(head('GET / HTTP/1.1'))
    await client.response()
    const { interims } = client.read()
    expect(interims.map(({ status }) => status)).toEqual([102, 103])
    expect(interims[1]?.fields.map(([, value]) => value)).toEqual(['not really a link'])
    const old = await shop.connect()
    await old.send('GET / HTTP/1.0\r\n\r\n')
    await old.closed()
    expect(old.text).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('to an upload that is not wanted arrives, although the upload goes on', async () => {
    const { blue } = await serve()
    blue.serve = () => null
    const client = await shop.connect()
    await client.send(head('POST /up HTTP/1.1', `Content-Length: ${64 * MEBIBYTE}`))
    const waiting = () => [...blue.upstream.connections].find(({ pending }) => pending.includes('/up'))
    await expect.poll(() => waiting()).toBeDefined()
    waiting()?.socket.pause()
    const upload = new Stream(64 * MEBIBYTE)
    upload.pump(client.socket, () => {})
    await settled(() => client.socket.bytesWritten - client.socket.writableLength)
    waiting()?.socket.write(String(whole(413, 'too large').bytes))
    const { body, fields } = await client.response('POST')
    expect([body, valuesOf(fields, 'connection')]).toEqual(['too large', ['close']])
    expect(await client.closed()).toBe('end')
    // What is still under way is read, and thrown away, for a while.
    const sent = client.socket.bytesWritten - client.socket.writableLength
    await expect.poll(() => client.socket.bytesWritten - client.socket.writableLength).toBeGreaterThan(sent)
  })
})

describe('requests on one connection', () => {
  test('that are pipelined are answered in their order', async () => {
    const { blue } = await serve()
    const gate = new Gate()
    blue.serve = ({ target }) => ({ ...whole(200, target), before: target === '/1' ? gate.opened : Promise.resolve() })
    const client = await shop.connect()
    await client.send([1, 2, 3].map((each) => head(`GET /${each} HTTP/1.1`)).join(''))
    await blue.untilArrived(3)
    gate.open()
    expect((await client.responses(3, ['GET', 'GET', 'GET'])).map(({ body }) => body)).toEqual(['/1', '/2', '/3'])
  })

  test('go with it, those that wait for their turn as well', async () => {
    const { blue, app } = await serve()
    blue.serve = () => null
    const client = await shop.connect()
    await client.send(head('GET /1 HTTP/1.1') + head('GET /2 HTTP/1.1'))
    await blue.untilArrived(2)
    client.reset()
    await expect.poll(() => app.understudy.upstreams()[0]?.upstreams[0]?.inFlight).toBe(0)
  })
})

test('a body whose trailers are not allowed is refused, and ends the connection', async () => {
  const { blue } = await serve()
  const client = await shop.connect()
  const body = '3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n'
  await client.send(`${head('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}${body}${head('GET /next HTTP/1.1')}`)
  expect(await client.response('POST')).toMatchObject({ status: 400 })
  expect(await client.closed()).toBe('end')
  expect(blue.arrived).toEqual([])
})

test('a version that is not ours is refused, although Node reads it', async () => {
  const { blue } = await serve()
  expect(await shop.send(head('GET / HTTP/2.0'))).toMatchObject({ status: 505 })
  expect(blue.arrived).toEqual([])
})

test('Expect is answered by the application, before anybody is asked', async () => {
  const { blue } = await serve()
  const client = await shop.connect()
  await client.send(head('POST /up HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 3'))
  await expect.poll(() => client.text).toContain('100 Continue')
  await client.send('abc')
  expect(await client.response('POST')).toMatchObject({ status: 200 })
  expect(blue.arrived).toMatchObject([{ body: 'abc' }])
  expect(valuesOf(blue.arrived[0]?.fields ?? [], 'expect')).toEqual([])
})
