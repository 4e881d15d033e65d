// Upgrades pass the hooks like requests, and a WebSocket carries exactly the bytes of both sides.
import { request as httpRequest } from 'node:http'
import { connect as tlsConnect } from 'node:tls'
import { understudy } from 'understudy-proxy'
import { afterEach, describe, expect, test } from 'vitest'
import type { UpstreamConnection } from '../../support/recording-upstream.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { Gate, whole } from '../http/support/answers.ts'
import { head, ShopApp, type ShopOptions, SWITCHING, upgrade } from './support/shop-app.ts'

let shop: ShopApp
const build = async (options: ShopOptions = {}): Promise<ShopApp> => {
  shop = await ShopApp.build(options)
  return shop
}
afterEach(() => shop.stop())

/** Repeats what comes through the tunnel. */
function chat(_request: unknown, { socket }: UpstreamConnection): { bytes: string } {
  socket.removeAllListeners('data')
  socket.on('data', (bytes) => socket.write(`heard ${bytes}`))
  return { bytes: SWITCHING }
}

describe('a WebSocket', () => {
  test('carries what the client sent before it was agreed on', async () => {
    const { blue } = await build()
    const gate = new Gate()
    blue.serve = (request, connection) => ({ ...chat(request, connection), before: gate.opened })
    await shop.listen()
    const client = await shop.connect()
    await client.send(`${upgrade('/chat')}early`)
    await blue.untilArrived(1)
    await client.send(' bytes')
    gate.open()
    await expect.poll(() => client.text).toContain('101 Switching')
    await expect.poll(() => client.text.split('\r\n\r\n')[1]?.replaceAll('heard ', '')).toBe('early bytes')
  })

  test('works through the TLS of the application, and says so', async () => {
    const { blue } = await build({ app: { https: { cert: certificate, key } } })
    blue.serve = chat
    await shop.listen()
    const socket = tlsConnect({ port: shop.port, host: '127.0.0.1', ca: certificate, servername: 'localhost' })
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.write(upgrade('/chat'))
    await expect.poll(() => text).toContain('101 Switching')
    socket.write('hello')
    await expect.poll(() => text).toContain('heard hello')
    expect(blue.arrived[0]?.fields).toContainEqual(['X-Forwarded-Proto', 'https'])
    await shop.app.close()
    await expect.poll(() => socket.closed).toBe(true)
  })

  test('that the upstream declines ends with its answer, and nothing that follows it is served', async () => {
    const { blue } = await build()
    blue.serve = () => whole(426, 'not today')
    await shop.listen()
    const client = await shop.connect()
    await client.send(`${upgrade('/chat')}${head('GET /behind HTTP/1.1')}`)
    expect(await client.response()).toMatchObject({ status: 426, body: 'not today' })
    await client.send(head('GET /later HTTP/1.1'))
    expect(await client.closed()).toBe('end')
    expect(blue.arrived.map(({ target }) => target)).toEqual(['/chat'])
  })

  test('that nobody routes is answered like any other request, and ends', async () => {
    await build({ plugin: { routes: { '/api/*': 'shop' } } })
    shop.app.get('/own', async () => 'mine')
    await shop.listen()
    for (const [target, status] of [
      ['/own', 200],
      ['/nowhere', 404],
    ] as const) {
      const client = await shop.connect()
      await client.send(upgrade(target))
      expect(await client.response()).toMatchObject({ status })
      expect(await client.closed()).toBe('end')
    }
  })

  test('cannot overtake the answer to an earlier request, or harm anybody else', async () => {
    const { blue } = await build()
    const gate = new Gate()
    blue.serve = (request, connection) =>
      request.target === '/slow' ? { ...whole(200, 'slow'), before: gate.opened } : chat(request, connection)
    await shop.listen()
    const client = await shop.connect()
    await client.send(head('GET /slow HTTP/1.1'))
    await blue.untilArrived(1)
    await client.send(upgrade('/chat'))
    await client.closed()
    gate.open()
    blue.serve = () => whole(200, 'well')
    expect(await shop.send(head('GET /after HTTP/1.1'))).toMatchObject({ status: 200 })
    expect(blue.arrived.map(({ target }) => target)).toEqual(['/slow', '/after'])
  })
})

describe('an upgrade to something else', () => {
  const H2C = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']

  test('is an ordinary request, with its body, to routes of the application and to pools', async () => {
    const { blue } = await build({ plugin: { routes: { '/api/*': 'shop' } } })
    shop.app.post('/own', async ({ body }) => body)
    await shop.listen()
    const bytes = (target: string) =>
      `${head(`POST ${target} HTTP/1.1`, ...H2C, 'Content-Type: text/plain', 'Content-Length: 5')}hello`
    const client = await shop.connect()
    await client.send(bytes('/own'))
    expect(await client.response()).toMatchObject({ status: 200, body: 'hello' })
    client.forget()
    await client.send(bytes('/api/x'))
    expect(await client.response()).toMatchObject({ status: 200 })
    expect(blue.arrived.map(({ body }) => body)).toEqual(['hello'])
    expect(blue.arrived[0]?.fields.map(([name]) => name.toLowerCase())).not.toContain('upgrade')
  })

  test('keeps its body when the application listens on several addresses of one name', async () => {
    await build()
    shop.app.post('/own', async ({ body }) => body)
    await shop.app.register(understudy, { ...shop.settings, routes: {} })
    await shop.app.listen({ port: 0, host: 'localhost' })
    const hosts = shop.app.addresses().map((each) => (typeof each === 'string' ? each : each.address))
    for (const host of hosts) {
      const text = await new Promise((resolve, reject) => {
        const headers = { connection: 'Upgrade', upgrade: 'h2c', 'content-type': 'text/plain' }
        const request = httpRequest({ host, port: shop.port, path: '/own', method: 'POST', headers }, (response) => {
          let body = ''
          response.on('data', (chunk) => {
            body += chunk
          })
          response.on('end', () => resolve(body))
        })
        request.on('error', reject)
        request.end('hello')
      })
      expect(text).toBe('hello')
    }
  })
})

test('several registrations share the upgrades of their server', async () => {
  const { blue, app } = await build({ plugin: { routes: { '/*': 'shop' } } })
  app.addHook('onRequest', async () => new Promise((resolve) => setImmediate(resolve)))
  blue.serve = chat
  const { settings } = shop
  for (const prefix of ['/one', '/two']) {
    app.register(
      async (scope) => {
        const [pool] = Object.values(settings.pools)
        await scope.register(understudy, {
          ...settings,
          pools: { [`pool-${prefix.slice(1)}`]: pool! },
          routes: { '/*': `pool-${prefix.slice(1)}` },
        })
      },
      { prefix },
    )
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  for (const prefix of ['/one', '/two']) {
    const client = await shop.connect()
    await client.send(upgrade(`${prefix}/chat`))
    await expect.poll(() => client.text).toContain('101 Switching')
    await client.send('hello')
    await expect.poll(() => client.text).toContain('heard hello')
  }
  expect(blue.arrived.map(({ target }) => target)).toEqual(['/one/chat', '/two/chat'])
})

test('another plugin that takes upgrades too is warned of, and can have them', async () => {
  const lines: string[] = []
  const logger = { level: 'warn', stream: { write: (line: string) => lines.push(line) } }
  const { app } = await build({ app: { logger } })
  app.server.on('upgrade', () => {})
  await shop.listen()
  expect(lines.join()).toContain('WebSockets are taken by another plugin too')
  await app.close()

  const other = await ShopApp.build({ plugin: { upgrades: false } })
  other.app.server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 200 Mine\r\nContent-Length: 0\r\n\r\n'))
  await other.listen()
  expect(await other.send(upgrade('/chat'))).toMatchObject({ status: 200, reason: 'Mine' })
  await other.stop()
})
