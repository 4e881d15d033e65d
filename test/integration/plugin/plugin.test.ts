/** Pools behind the routes of somebody's Fastify application: the same forwarding, after its hooks. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'
import type { UnderstudyOptions } from 'understudy-proxy'
import { understudy } from 'understudy-proxy'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlainOrigin } from '../../support/plain-origin.ts'
import { RawClient } from '../../support/raw-client.ts'

let blue: PlainOrigin
let green: PlainOrigin
let app: FastifyInstance
let dir: string

beforeEach(async () => {
  blue = await PlainOrigin.start('blue')
  green = await PlainOrigin.start('green')
  dir = await mkdtemp(join(tmpdir(), 'understudy-plugin-'))
  app = Fastify()
})
afterEach(async () => {
  await app.close()
  blue.stop()
  green.stop()
  await rm(dir, { recursive: true, force: true })
})

const pools = () => ({
  shop: {
    upstreams: [
      { name: 'blue', url: blue.url },
      { name: 'green', url: green.url },
    ],
  },
})

async function serve(options: Partial<UnderstudyOptions> = {}): Promise<number> {
  await app.register(understudy, { pools: pools(), state: { dir }, ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

type Told = { from: string; method: string; url: string; length: number; digest: string }
const told = async (response: Response): Promise<Told> => (await response.json()) as Told

describe('a request', () => {
  it('goes to the primary, with its path or another one', async () => {
    const port = await serve({ routes: { '/api/*': { pool: 'shop', rewrite: '/v1' }, '/plain/*': 'shop' } })
    expect(await told(await fetch(`http://127.0.0.1:${port}/api/items?x=1`))).toMatchObject({
      from: 'blue',
      url: '/v1/items?x=1',
    })
    expect(await told(await fetch(`http://127.0.0.1:${port}/plain/items`))).toMatchObject({ url: '/plain/items' })
    expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404)
  })

  it('that only matches once it is decoded is not guessed at', async () => {
    const port = await serve({ routes: { '/api/*': { pool: 'shop', rewrite: '/v1' } } })
    const client = await RawClient.connect(port)
    client.socket.write('GET /%61pi/items HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await ended(client)
    expect(client.text).toMatch(/^HTTP\/1\.1 400 /)
    expect(blue.requests).toEqual([])
  })

  it.each(['PUT', 'DELETE', 'PROPFIND', 'QUERY', 'PURGE', 'REPORT'])(
    'may be a %s, of any content type',
    async (method) => {
      const port = await serve()
      const answer = await send(port, {
        method,
        path: '/x',
        headers: { 'content-type': 'weird/thing; no', 'content-length': 3 },
        body: 'odd',
      })
      expect(JSON.parse(answer.body)).toMatchObject({ method, length: 3 })
    },
  )

  it('carries 16 MiB there and back, unread by the application', async () => {
    const port = await serve()
    const body = Buffer.alloc(16 * 1_048_576, 'body ')
    const digest = createHash('sha256').update(body).digest('hex')
    expect(await told(await fetch(`http://127.0.0.1:${port}/up`, { method: 'POST', body }))).toMatchObject({
      length: body.length,
      digest,
    })
    const large = Buffer.from(await (await fetch(`http://127.0.0.1:${port}/large`)).arrayBuffer())
    expect(createHash('sha256').update(large).digest('hex')).toBe(
      createHash('sha256')
        .update(Buffer.alloc(16 * 1_048_576, 'large '))
        .digest('hex'),
    )
  })

  it('brings its trailers', async () => {
    const port = await serve()
    const client = await RawClient.connect(port)
    client.socket.write(
      'POST /t HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n',
    )
    await ended(client)
    expect(blue.requests).toMatchObject([{ trailers: { 'x-sum': '7' } }])
  })

  it('has no body in its answer to HEAD', async () => {
    const port = await serve()
    const answer = await send(port, { method: 'HEAD', path: '/x' })
    expect(answer).toMatchObject({ status: 200, body: '' })
  })
})

describe('hooks of the application', () => {
  it('come first: what they refuse reaches nobody, and what they set is in the answer', async () => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-quota', '9')
      if (request.headers['x-deny']) return reply.code(401).send({ denied: true })
    })
    const port = await serve()
    const denied = await fetch(`http://127.0.0.1:${port}/x`, { headers: { 'x-deny': '1' } })
    expect(denied.status).toBe(401)
    expect(blue.requests).toEqual([])
    const passed = await fetch(`http://127.0.0.1:${port}/x`)
    expect(passed.headers.get('x-quota')).toBe('9')
    expect(passed.headers.get('x-from')).toBe('blue')
  })

  it('guard WebSockets too', async () => {
    app.addHook('onRequest', async (request, reply) => {
      if (!request.headers.authorization) return reply.code(401).send('no')
    })
    const port = await serve()
    const denied = await RawClient.connect(port)
    denied.socket.write(upgrade('/chat'))
    await ended(denied)
    expect(denied.text).toMatch(/^HTTP\/1\.1 401 /)
    expect(blue.upgrades).toBe(0)

    const client = await RawClient.connect(port)
    client.socket.write(upgrade('/chat', 'Authorization: yes\r\n'))
    await expect.poll(() => client.text).toContain('101 Switching')
    client.socket.write('hello')
    await expect.poll(() => client.text).toContain('blue heard hello')
    client.socket.destroy()
  })

  it('cannot be passed by with a second request behind a declined upgrade', async () => {
    app.addHook('onRequest', async (request, reply) => {
      if (!request.headers.authorization) return reply.code(401).send('no')
    })
    const port = await serve()
    const client = await RawClient.connect(port)
    client.socket.write(upgrade('/declined', 'Authorization: yes\r\n'))
    await expect.poll(() => client.text).toContain('declined')
    client.socket.write('GET /secret HTTP/1.1\r\nHost: a\r\n\r\n')
    await ended(client)
    expect(client.text.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(blue.requests.map(({ url }) => url)).not.toContain('/secret')
  })
})

describe('failures', () => {
  it('a GET on a primary that is gone is answered by the standby', async () => {
    const port = await serve()
    blue.stop()
    expect(await told(await fetch(`http://127.0.0.1:${port}/x`))).toMatchObject({ from: 'green' })
  })

  it('a client that leaves takes its request with it', async () => {
    const port = await serve()
    const client = await RawClient.connect(port)
    client.socket.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n')
    await expect.poll(() => blue.requests.length).toBe(1)
    client.socket.destroy()
    await expect.poll(() => blue.abandoned).toBe(1)
  })

  it('an answer that breaks off is seen to break off', async () => {
    const port = await serve()
    await expect(fetch(`http://127.0.0.1:${port}/cut`).then((response) => response.text())).rejects.toThrow()
  })

  it('what is wrong with the options is told with its place, and nothing is left running', async () => {
    const wrong = { shop: { upstreams: [{ name: 'blue', url: 'http//nowhere' }] } }
    await expect(app.register(understudy, { pools: wrong as never })).rejects.toThrow(
      /pools\.shop\.upstreams\[0\]\.url/,
    )
    app = Fastify()
    await expect(app.register(understudy, { pools: {}, state: { dir } })).rejects.toThrow(/pools/)
    app = Fastify()
  })
})

describe('app.understudy', () => {
  it('tells the state and takes commands', async () => {
    const port = await serve()
    await expect.poll(() => app.understudy.upstreams()[0]?.upstreams[1]?.state).toBe('standby ready')
    const reply = app.understudy.command('shop', 'switchover', { to: 'green', why: 'maintenance' })
    expect(reply).toMatchObject({ changed: true, active: 'green' })
    expect(await told(await fetch(`http://127.0.0.1:${port}/x`))).toMatchObject({ from: 'green' })
    expect(() => app.understudy.command('shop', 'switchover', { to: 'red' })).toThrow()
    expect(() => app.understudy.command('nowhere', 'pause')).toThrow(/no pool/)
  })

  it('puts a pool behind a route of its own', async () => {
    await app.register(understudy, { pools: pools(), routes: {}, state: { dir } })
    app.route({ method: 'GET', url: '/mine', ...app.understudy.to('shop') })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    expect(await told(await fetch(`http://127.0.0.1:${port}/mine`))).toMatchObject({ from: 'blue', url: '/mine' })
    expect(() => app.understudy.to('nowhere')).toThrow(/there is no pool nowhere/)
  })

  it('closes with the application, WebSockets included', async () => {
    const port = await serve()
    const client = await RawClient.connect(port)
    client.socket.write(upgrade('/chat'))
    await expect.poll(() => client.text).toContain('101 Switching')
    await app.close()
    await ended(client)
  })
})

it('serves HTTP/2 applications as well', async () => {
  const http2 = await import('node:http2')
  const h2 = Fastify({ http2: true })
  await h2.register(understudy, { pools: pools(), state: { dir } })
  await h2.listen({ port: 0, host: '127.0.0.1' })
  const session = http2.connect(`http://127.0.0.1:${(h2.server.address() as AddressInfo).port}`)
  const stream = session.request({ ':path': '/two', ':method': 'POST' })
  stream.end('body')
  const text = await new Promise<string>((resolve, reject) => {
    let all = ''
    stream.on('data', (chunk) => {
      all += chunk
    })
    stream.on('end', () => resolve(all))
    stream.on('error', reject)
  })
  expect(JSON.parse(text)).toMatchObject({ from: 'blue', method: 'POST', url: '/two', length: 4 })
  session.close()
  await h2.close()
})

const ended = (client: RawClient) => expect.poll(() => client.ending, { timeout: 5_000 }).not.toBe('open')

const upgrade = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

type Sent = { method: string; path: string; headers?: http.OutgoingHttpHeaders; body?: string }

function send(
  port: number,
  { method, path, headers = {}, body = '' }: Sent,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, method, path, headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}
