// Connections of a listener with routes of its own: how many, how long, how they end.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Proxy as RunningProxy, startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, whole } from '../http/support/answers.ts'

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`

let upstream: RecordingUpstream
let proxy: RunningProxy
const clients: RawClient[] = []

beforeEach(async () => {
  upstream = await RecordingUpstream.start()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.stop()
  await upstream.stop()
})

async function begin(listener: object = {}): Promise<void> {
  const routes = [{ path: '/local', respond: { body: 'mine' } }]
  proxy = await startProxy({
    upstreams: [{ name: 'blue', port: upstream.port }],
    poolOverrides: { failover: { mode: 'manual' }, drain: { spread: '50ms', timeout: '5s' } },
    listenerOverrides: { front: { routes }, ...listener },
  })
}

async function connect(): Promise<RawClient> {
  const client = await RawClient.connect(proxy.port)
  clients.push(client)
  return client
}

describe('when the listener stops', () => {
  test('an idle connection ends, an answer is still given, and what waits behind it is not begun', async () => {
    await begin()
    const gate = new Gate()
    upstream.script = ({ target }) => ({ ...whole(200, target), before: gate.opened })
    const [idle, busy] = [await connect(), await connect()]
    await idle.send(get('/local'))
    await idle.response()
    await busy.send(get('/1') + get('/2') + get('/local'))
    await upstream.until(() => upstream.arrived.length === 1, 'the first')
    const stopped = proxy.understudy.stop()
    expect(await idle.closed()).toBe('end')
    // Too late: nobody could answer it.
    await idle.send(get('/late'))
    gate.open()
    const { body, fields } = await busy.response()
    expect([body, valuesOf(fields, 'connection')]).toEqual(['/1', ['close']])
    expect(await busy.closed()).toBe('end')
    for (const client of [idle, busy]) client.halfClose()
    await stopped
    expect(upstream.arrived.map(({ target }) => target)).toEqual(['/1'])
  })

  test('an answer that has begun goes on to its end', async () => {
    await begin()
    upstream.script = () => ({ bytes: `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(50_000)}` })
    const client = await connect()
    await client.send(get('/large'))
    await expect.poll(() => client.text.length).toBeGreaterThan(50_000)
    const stopped = proxy.understudy.stop()
    for (const { socket } of upstream.connections) socket.write('y'.repeat(50_000))
    expect((await client.response()).body.length).toBe(100_000)
    expect(await client.closed()).toBe('end')
    client.halfClose()
    await stopped
  })

  test('tunnels are closed', async () => {
    await begin()
    upstream.script = () => ({ bytes: SWITCHING })
    const client = await connect()
    await client.send(UPGRADE)
    await expect.poll(() => client.text).toContain('101 Switching')
    await proxy.understudy.stop()
    await client.closed()
  })
})

test('a WebSocket counts as a connection for as long as it lasts', async () => {
  await begin({ limits: { connections: 1 } })
  upstream.script = () => ({ bytes: SWITCHING })
  const client = await connect()
  await client.send(UPGRADE)
  await expect.poll(() => client.text).toContain('101 Switching')
  const refused = await connect()
  await refused.send(get('/local'))
  await refused.closed()
  expect(refused.text).toBe('')
  client.destroy()
  await expect
    .poll(async () => {
      const next = await connect()
      await next.send(get('/local'))
      return next.response().then(
        ({ body }) => body,
        () => 'refused',
      )
    })
    .toBe('mine')
})

test('behind an answer that says that it is the last nothing is begun', async () => {
  await begin()
  const client = await connect()
  await client.send('POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nodd')
  expect(valuesOf((await client.response('POST')).fields, 'connection')).toEqual(['close'])
  expect(await client.closed()).toBe('end')
  await client.send(get('/late'))
  client.halfClose()
  await expect.poll(() => client.socket.closed).toBe(true)
  expect(upstream.accepted).toBe(0)
})

test('pipelined requests are served one after the other', async () => {
  await begin()
  const gate = new Gate()
  upstream.script = ({ target }) => ({ ...whole(200, target), before: gate.opened })
  const client = await connect()
  await client.send(get('/1') + get('/local') + get('/2') + get('/3'))
  await upstream.until(() => upstream.arrived.length === 1, 'the first')
  expect(client.text).toBe('')
  gate.open()
  const answers = await client.responses(4, ['GET', 'GET', 'GET', 'GET'])
  expect(answers.map(({ body }) => body)).toEqual(['/1', 'mine', '/2', '/3'])
})

test('a thousand pipelined requests are served, and not all kept at once', async () => {
  await begin()
  const client = await connect()
  const count = 1_000
  client.socket.write(Array.from({ length: count }, (_, index) => get(`/${index}`)).join(''))
  const answers = await client.responses(count, Array(count).fill('GET'), 10_000)
  expect(answers.at(-1)?.body).toContain(`/${count - 1} `)
  expect(upstream.accepted).toBe(1)
})

test('an upgrade behind a request that is not answered yet ends the connection, and nothing else', async () => {
  await begin()
  upstream.script = () => null
  const client = await connect()
  await client.send(get('/1') + UPGRADE)
  await client.closed()
  upstream.script = () => whole(200, 'well')
  const next = await connect()
  await next.send(get('/2'))
  expect(await next.response()).toMatchObject({ body: 'well' })
  expect(upstream.arrived.map(({ target }) => target)).not.toContain('/chat')
})

test('Expect is passed on, and the client told to continue when the upstream says so', async () => {
  await begin()
  upstream.continues = false
  const client = await connect()
  await client.send('POST /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
  await expect
    .poll(() => [...upstream.connections].some(({ pending }) => /expect: 100-continue/i.test(pending)))
    .toBe(true)
  expect(client.text).toBe('')
  for (const { socket } of upstream.connections) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
  await expect.poll(() => client.text).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  await client.send('abc')
  expect(await client.response('POST')).toMatchObject({ status: 200 })
})

describe('a head behind a PROXY header', () => {
  test.each([0, 1, 20, 45, 60, 80, 95])('is read wherever the reads cut it (%i)', async (at) => {
    await begin({ proxyProtocol: 'v1' })
    const client = await connect()
    const bytes = `PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`
    await client.send(bytes, [at])
    expect(await client.response('POST')).toMatchObject({ status: 200 })
    expect(upstream.arrived).toMatchObject([{ target: '/x', body: 'hello' }])
    expect(valuesOf(upstream.arrived[0]?.fields ?? [], 'x-forwarded-for')).toEqual(['192.0.2.7'])
  })
})

test('with TLS it agrees on HTTP/1.1 alone, and knows that it was encrypted', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'understudy-front-'))
  await Promise.all([writeFile(join(dir, 'cert.pem'), certificate), writeFile(join(dir, 'key.pem'), key)])
  await begin({ tls: { cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') } })
  await rm(dir, { recursive: true })
  upstream.script = ({ target }, { socket }) => {
    if (target !== '/chat') return whole(200, target)
    socket.removeAllListeners('data')
    socket.on('data', (bytes) => socket.write(`heard ${bytes}`))
    return { bytes: SWITCHING }
  }
  const options = { host: '127.0.0.1', ca: certificate, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] }
  const socket = tlsConnect({ ...options, port: proxy.port })
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes
  })
  socket.write(get('/local') + get('/x'))
  await expect.poll(() => text).toMatch(/mine[\s\S]*\/x$/)
  expect(socket.alpnProtocol).toBe('http/1.1')
  expect(valuesOf(upstream.arrived[0]?.fields ?? [], 'x-forwarded-proto')).toEqual(['https'])
  socket.write(UPGRADE)
  await expect.poll(() => text).toContain('101 Switching')
  socket.write('hello')
  await expect.poll(() => text).toContain('heard hello')
  const stopped = proxy.understudy.stop()
  await expect.poll(() => socket.closed).toBe(true)
  await stopped
})
