/** A listener with routes of its own: some requests are answered here, some go to another pool, the rest to its pool. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PlainOrigin } from '../../support/plain-origin.ts'
import type { Proxy as RunningProxy } from '../../support/proxy.ts'
import { startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'

const ROUTES = [
  { path: '/robots.txt', methods: ['GET', 'HEAD'], respond: { body: 'User-agent: *', type: 'text/plain' } },
  { path: '/gone/*', respond: { status: 410, body: 'gone' } },
  { path: '/old/*', redirect: { to: '/new', status: 302 } },
  { path: '/v1/*', pool: 'shop', rewrite: '/api' },
]

let blue: PlainOrigin
let proxy: RunningProxy

async function begin(listenerOverrides: object = {}): Promise<string> {
  proxy = await startProxy({
    upstreams: [{ name: 'blue', port: 0, url: blue.url }],
    listenerOverrides: { front: { routes: ROUTES }, ...listenerOverrides },
  })
  return `http://127.0.0.1:${proxy.port}`
}
beforeEach(async () => {
  blue = await PlainOrigin.start('blue')
})
afterEach(async () => {
  await proxy.stop()
  blue.stop()
})

it('answers what it has a route for, and passes on everything else', async () => {
  const url = await begin()
  const robots = await fetch(`${url}/robots.txt`)
  expect([robots.status, robots.headers.get('content-type'), await robots.text()]).toEqual([
    200,
    'text/plain',
    'User-agent: *',
  ])
  expect(await (await fetch(`${url}/robots.txt`, { method: 'HEAD' })).text()).toBe('')
  expect((await fetch(`${url}/gone/a/b`)).status).toBe(410)
  const moved = await fetch(`${url}/old/page`, { redirect: 'manual' })
  expect([moved.status, moved.headers.get('location')]).toEqual([302, '/new'])
  expect(blue.requests).toEqual([])

  expect(await (await fetch(`${url}/v1/items?q`)).json()).toMatchObject({ url: '/api/items?q' })
  expect(await (await fetch(`${url}/robots.txt`, { method: 'POST', body: 'x' })).json()).toMatchObject({
    method: 'POST',
    length: 1,
  })
  expect(await (await fetch(`${url}/anything`)).json()).toMatchObject({ url: '/anything' })
})

it('passes a path on that cannot be decoded, and methods that Fastify does not know', async () => {
  await begin()
  const client = await RawClient.connect(proxy.port)
  await client.send('REPORT /%zz HTTP/1.1\r\nHost: a\r\n\r\n')
  const { status } = await client.response()
  expect(status).toBe(200)
  expect(blue.requests).toMatchObject([{ method: 'REPORT', url: '/%zz' }])
  client.destroy()
})

it('tells upstreams who the client is, by its PROXY header where there is one', async () => {
  await begin({ proxyProtocol: 'v1' })
  const client = await RawClient.connect(proxy.port)
  await client.send('PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.response()
  expect(blue.requests[0]?.headers).toMatchObject({ 'x-forwarded-for': '192.0.2.7' })
  client.destroy()
})

it('carries WebSockets', async () => {
  await begin()
  const client = await RawClient.connect(proxy.port)
  await client.send(
    'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await expect.poll(() => client.text).toContain('101 Switching')
  await client.send('hello')
  await expect.poll(() => client.text).toContain('blue heard hello')
  client.destroy()
})

it('closes idle connections when it stops, and lets requests finish', async () => {
  await begin()
  const client = await RawClient.connect(proxy.port)
  await client.send('GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.response()
  const stopped = proxy.understudy.stop()
  expect(await client.closed()).toBe('end')
  client.halfClose()
  await stopped
})
