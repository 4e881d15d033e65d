// Every hook of the application has its say before an upstream hears of a request, whenever in its life the hook runs.
import { understudy } from 'understudy-proxy'
import { afterEach, describe, expect, test } from 'vitest'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, whole } from '../http/support/answers.ts'
import { head, ShopApp, type ShopOptions, upgrade } from './support/shop-app.ts'

let shop: ShopApp
const build = async (options: ShopOptions = {}): Promise<ShopApp> => {
  shop = await ShopApp.build(options)
  return shop
}
afterEach(() => shop.stop())

const POST = head('POST /orders HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 9')

describe.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)('a hook %s', (name) => {
  test('refuses requests and upgrades before anybody gets them', async () => {
    const { app, blue } = await build()
    // One signature for them all.
    app.addHook(name as 'preHandler', async (request, reply) => {
      if (!request.headers.authorization) return reply.code(401).send('who are you?')
    })
    await shop.listen()
    expect(await shop.send(`${POST}{"a": 12}`)).toMatchObject({ status: 401, body: 'who are you?' })
    expect(await shop.send(upgrade('/chat'))).toMatchObject({ status: 401, body: 'who are you?' })
    expect(blue.arrived).toEqual([])
    expect(await shop.send(upgrade('/chat', 'Authorization: me'))).toMatchObject({ status: 200 })
    const authorized = POST.replace('\r\n\r\n', '\r\nAuthorization: me\r\n\r\n')
    expect(await shop.send(`${authorized}{"a": 12}`)).toMatchObject({ status: 200 })
    expect(blue.arrived.map(({ method, body }) => [method, body])).toEqual([
      ['GET', ''],
      ['POST', '{"a": 12}'],
    ])
  })
})

test('a hook sees all fields, and no body', async () => {
  const { app } = await build()
  const seen: unknown[] = []
  app.addHook('preHandler', async ({ headers, body }) => {
    seen.push([headers['content-type'], headers['content-length'], body])
  })
  await shop.listen()
  await shop.send(`${POST}{"a": 12}`)
  expect(seen).toEqual([['application/json', '9', undefined]])
})

test.each([
  ['that is no JSON', head('POST / HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 3'), '{"a'],
  ['that is larger than the application takes', head('POST / HTTP/1.1', 'Content-Length: 60'), 'x'.repeat(60)],
  ['of a type that is none', head('PUT / HTTP/1.1', 'Content-Type: odd', 'Content-Length: 3'), 'odd'],
  ['of a type that nobody knows', head('REPORT / HTTP/1.1', 'Content-Type: a/b; c', 'Content-Length: 3'), 'odd'],
  ['of a QUERY without a type', head('QUERY / HTTP/1.1', 'Content-Length: 3'), 'all'],
  ['of a QUERY in JSON', head('QUERY / HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 2'), '{}'],
])('a body %s is passed on', async (_, request, body) => {
  const { blue } = await build({ app: { bodyLimit: 50 } })
  await shop.listen()
  expect(await shop.send(request + body)).toMatchObject({ status: 200 })
  expect(blue.arrived.map((arrived) => arrived.body)).toEqual([body])
})

test('a body that a hook has read is not passed on as an empty one', async () => {
  const { app, blue } = await build()
  app.addHook('onRequest', async ({ raw }) => {
    for await (const _ of raw);
  })
  await shop.listen()
  expect(await shop.send(`${POST}{"a": 12}`)).toMatchObject({ status: 500 })
  expect(blue.arrived).toEqual([])
})

describe('fields that a hook sets', () => {
  test('are in the answer unless the upstream says something else; cookies and Vary are of both', async () => {
    const { app, blue } = await build()
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-quota', 9).header('x-from', 'app').header('set-cookie', 'session=1').header('vary', 'origin')
      // Neither is the application's to say of an answer that it does not give.
      reply.header('content-length', 3).header('transfer-encoding', 'chunked')
    })
    const fields = ['X-From: blue', 'Set-Cookie: a=1', 'Set-Cookie: b=2', 'Vary: Accept']
    blue.serve = () => whole(200, 'from blue', fields)
    await shop.listen()
    const { fields: got, body } = await shop.send(head('GET / HTTP/1.1'))
    expect(body).toBe('from blue')
    expect(valuesOf(got, 'x-quota')).toEqual(['9'])
    expect(valuesOf(got, 'x-from')).toEqual(['blue'])
    expect(valuesOf(got, 'set-cookie')).toEqual(['session=1', 'a=1', 'b=2'])
    expect(valuesOf(got, 'vary')).toEqual(['origin', 'Accept'])
    expect(valuesOf(got, 'content-length')).toEqual(['9'])
    expect(valuesOf(got, 'transfer-encoding')).toEqual([])
  })

  test('are in the errors that Understudy answers with', async () => {
    const { app } = await build({ pool: { failover: { mode: 'manual' }, replay: { standbyReads: false } } })
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('access-control-allow-origin', '*')
    })
    await shop.listen()
    shop.blue.serve = () => ({ bytes: 'nonsense\r\n\r\n' })
    const { status, fields } = await shop.send(head('POST / HTTP/1.1', 'Content-Length: 0'), 'POST')
    expect(status).toBe(502)
    expect(valuesOf(fields, 'access-control-allow-origin')).toEqual(['*'])
  })

  test('that cannot be sent are the error of the application, before an upstream is asked', async () => {
    const { app, blue } = await build()
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-name', 'two\r\nlines')
    })
    app.setErrorHandler((_error, _request, reply) => reply.removeHeader('x-name').code(500).send('broken'))
    await shop.listen()
    expect(await shop.send(head('GET / HTTP/1.1'))).toMatchObject({ status: 500, body: 'broken' })
    expect(blue.arrived).toEqual([])
  })
})

test('a client that leaves while a hook makes up its mind costs no upstream anything', async () => {
  const gate = new Gate()
  const { app, blue } = await build()
  let asked = 0
  app.addHook('onRequest', async () => {
    asked++
    await gate.opened
  })
  await shop.listen()
  const client = await shop.connect()
  await client.send(head('GET /never HTTP/1.1'))
  await expect.poll(() => asked).toBe(1)
  client.reset()
  await expect.poll(async () => (await connections(app.server)) === 0).toBe(true)
  gate.open()
  expect(await shop.send(head('GET /next HTTP/1.1'))).toMatchObject({ status: 200 })
  expect(blue.arrived.map(({ target }) => target)).toEqual(['/next'])
})

test('a hook onResponse hears of answers from upstreams as well', async () => {
  const heard: unknown[] = []
  const { app, blue } = await build()
  app.addHook('onResponse', async ({ url }, { statusCode }) => {
    heard.push([url, statusCode])
  })
  blue.serve = () => whole(404, 'no')
  await shop.listen()
  await shop.send(head('GET /gone HTTP/1.1'))
  await expect.poll(() => heard).toEqual([['/gone', 404]])
})

test('an application keeps the names that it gives its own decorations', async () => {
  const { app } = await build()
  await app.register(understudy, shop.settings)
  app.decorate('subscribe', () => 'mine')
  expect((app as unknown as { subscribe(): string }).subscribe()).toBe('mine')
  expect(app.supportedMethods).toContain('SUBSCRIBE')
})

const connections = (server: ShopApp['app']['server']): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
