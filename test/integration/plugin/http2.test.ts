// Applications that speak HTTP/2: their streams go the way of all requests.
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { afterEach, describe, expect, test } from 'vitest'
import { certificate, key } from '../../support/self-signed.ts'
import { Gate, whole } from '../http/support/answers.ts'
import { answerTo } from '../http/support/http2-front.ts'
import { frame, headers, RawHttp2, uint32 } from '../http/support/raw-http2.ts'
import { ShopApp, type ShopOptions } from './support/shop-app.ts'

let shop: ShopApp
const sessions: ClientHttp2Session[] = []

async function serve(
  options: ShopOptions = {},
  prepare: (shop: ShopApp) => void = () => {},
): Promise<ClientHttp2Session> {
  shop = await ShopApp.build({ app: { http2: true }, ...options })
  prepare(shop)
  await shop.listen()
  return open()
}

function open(): ClientHttp2Session {
  const secure = 'key' in shop.app.server
  const session = connect(`${secure ? 'https' : 'http'}://127.0.0.1:${shop.port}`, secure ? { ca: certificate } : {})
  session.on('error', () => {})
  sessions.push(session)
  return session
}

afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy()
  await shop.stop()
})

test.each([
  ['without TLS', { http2: true }, 'http'],
  ['with TLS', { http2: true, https: { cert: certificate, key } }, 'https'],
])('a request %s goes through with its body, its fields and its trailers', async (_, app, scheme) => {
  shop = await ShopApp.build({ app })
  shop.blue.serve = () => ({
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n',
  })
  shop.app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-quota', 9).header('connection', 'close')
  })
  await shop.listen()
  const secure = scheme === 'https'
  const session = connect(`${scheme}://127.0.0.1:${shop.port}`, secure ? { ca: certificate } : {})
  sessions.push(session)
  const stream = session.request(
    { ':path': '/up?q', ':method': 'POST', 'x-own': '1', expect: '100-continue' },
    { waitForTrailers: true },
  )
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '3' }))
  const answer = await answerTo(stream, 'abc')
  expect(answer).toMatchObject({ status: 200, body: 'hi', rstCode: 0 })
  expect(answer.headers).toMatchObject({ 'x-quota': '9' })
  expect(answer.trailers).toMatchObject({ 'x-sum': '7' })
  expect(shop.blue.arrived).toMatchObject([
    { method: 'POST', target: '/up?q', body: 'abc', trailers: [['x-sum', '3']] },
  ])
  const fields = shop.blue.arrived[0]?.fields ?? []
  expect(fields).toEqual(
    expect.arrayContaining([
      ['x-own', '1'],
      ['X-Forwarded-Proto', scheme],
      ['Via', '2.0 understudy'],
    ]),
  )
})

test('a path is rewritten, or refused', async () => {
  const routes = { '/api/*': { pool: 'shop', rewrite: '/v1' } }
  const session = await serve({ plugin: { routes } })
  expect(await answerTo(session.request({ ':path': '/api/x?y' }))).toMatchObject({ status: 200 })
  expect(await answerTo(session.request({ ':path': '/%61pi/x' }))).toMatchObject({ status: 400 })
  expect(await answerTo(session.request({ ':path': '/api/../x', ':method': 'HEAD' }))).toMatchObject({ status: 400 })
  expect(shop.blue.arrived.map(({ target }) => target)).toEqual(['/v1/x?y'])
})

test('a hook refuses a stream before anybody gets it', async () => {
  const session = await serve({}, ({ app }) => {
    app.addHook('preHandler', async (_request, reply) => reply.code(401).send('no'))
  })
  expect(await answerTo(session.request({ ':method': 'POST' }), 'abc')).toMatchObject({ status: 401, body: 'no' })
  expect(shop.blue.arrived).toEqual([])
})

describe('an answer', () => {
  test.each([
    ['that says a single thing twice', 'Content-Type: a/b\r\nContent-Type: a/b\r\nETag: "1"\r\nETag: "2"\r\n', 200],
    ['that resets the content', '', 205],
  ])('%s ends nothing but itself', async (_, fields, status) => {
    const session = await serve()
    shop.blue.serve = () => ({ bytes: `HTTP/1.1 ${status} Odd\r\n${fields}Content-Length: 0\r\n\r\n` })
    expect(await answerTo(session.request({ ':path': '/' }))).toMatchObject({ status, rstCode: 0 })
    expect(await answerTo(session.request({ ':path': '/', ':method': 'HEAD' }))).toMatchObject({ status })
  })

  test('that breaks off is seen to break off', async () => {
    const session = await serve()
    shop.blue.serve = () => ({
      bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n',
      after: 'end',
    })
    const answer = await answerTo(session.request({ ':path': '/', ':method': 'POST' }), 'x')
    expect(answer.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  })

  test('to an upload that is not wanted comes whole, and the rest of the upload is stopped', async () => {
    const session = await serve()
    shop.blue.serve = () => null
    const stream = session.request({ ':path': '/up', ':method': 'POST' })
    stream.on('error', () => {})
    stream.write(Buffer.alloc(40_000))
    await expect.poll(() => shop.blue.upstream.connections.size).toBeGreaterThan(0)
    const waiting = () => [...shop.blue.upstream.connections].find(({ pending }) => pending.includes('/up'))
    await expect.poll(() => waiting()?.pending.length ?? 0).toBeGreaterThan(40_000)
    waiting()?.socket.write(String(whole(413, 'too large').bytes))
    expect(await answerTo(stream)).toMatchObject({ status: 413, body: 'too large', rstCode: 0 })
  })
})

test('an upload that is taken back without an error is never whole', async () => {
  await serve()
  const fields = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/up'],
    [':authority', 'shop.test'],
  ] as const
  const client = await RawHttp2.open(shop.port, headers(fields, { end: false }), frame('DATA', 0, 1, 'half'))
  const half = () => [...shop.blue.upstream.connections].filter(({ pending }) => pending.includes('half'))
  await expect.poll(() => half().length).toBe(1)
  client.send(frame('RST_STREAM', 0, 1, uint32(constants.NGHTTP2_NO_ERROR)))
  await expect.poll(() => half().every(({ ending }) => ending !== 'open')).toBe(true)
  expect(shop.blue.arrived).toEqual([])
  client.destroy()
})

test('an application that also speaks HTTP/1.1 serves both', async () => {
  const session = await serve({ app: { http2: true, https: { allowHTTP1: true, cert: certificate, key } } })
  expect(await answerTo(session.request({ ':path': '/two' }))).toMatchObject({ status: 200, body: 'by blue' })
  const { get } = await import('node:https')
  const status = await new Promise((resolve, reject) => {
    const request = get(`https://127.0.0.1:${shop.port}/one`, { ca: certificate, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject)
  })
  expect(status).toBe(200)
  expect(shop.blue.arrived.map(({ target }) => target)).toEqual(['/two', '/one'])
})

test('a stream that is taken back while a hook makes up its mind costs no upstream anything', async () => {
  const gate = new Gate()
  let asked = 0
  const session = await serve({}, ({ app }) => {
    app.addHook('onRequest', async ({ url }) => {
      asked++
      if (url === '/never') await gate.opened
    })
  })
  const stream = session.request({ ':path': '/never' })
  stream.on('error', () => {})
  await expect.poll(() => asked).toBe(1)
  stream.close(constants.NGHTTP2_CANCEL)
  expect(await answerTo(session.request({ ':path': '/next' }))).toMatchObject({ status: 200 })
  gate.open()
  expect(await answerTo(session.request({ ':path': '/last' }))).toMatchObject({ status: 200 })
  expect(shop.blue.arrived.map(({ target }) => target)).toEqual(['/next', '/last'])
})
