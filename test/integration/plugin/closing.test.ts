// app.close(): what is under way finishes, within the drain deadline of the pools; nothing is left behind.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import Fastify from 'fastify'
import { understudy } from 'understudy-proxy'
import { afterEach, describe, expect, test } from 'vitest'
import { certificate, key } from '../../support/self-signed.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, whole } from '../http/support/answers.ts'
import { head, ShopApp, type ShopOptions, SWITCHING, upgrade } from './support/shop-app.ts'

let shop: ShopApp
const build = async (options: ShopOptions = {}): Promise<ShopApp> => {
  shop = await ShopApp.build(options)
  return shop
}
afterEach(() => shop.stop())

const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n'

describe('while the application closes', () => {
  test('a request that waits is answered, and its connection ends with the answer', async () => {
    const { app, blue } = await build()
    const gate = new Gate()
    blue.serve = () => ({ ...whole(200, 'at last'), before: gate.opened })
    await shop.listen()
    const client = await shop.connect()
    await client.send(head('GET /slow HTTP/1.1'))
    await blue.untilArrived(1)
    const closed = app.close()
    await expect.poll(() => app.server.listening).toBe(false)
    gate.open()
    const { body, fields } = await client.response()
    expect(body).toBe('at last')
    expect(valuesOf(fields, 'connection')).toEqual(['close'])
    // Well before the client or a keep-alive timeout ends it.
    expect(await client.closed()).toBe('end')
    client.halfClose()
    await closed
  })

  test('an answer that has begun goes on to its end', async () => {
    const { app, blue } = await build()
    const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n'
    blue.serve = () => ({ bytes: `${begun}${'x'.repeat(50_000)}` })
    await shop.listen()
    const client = await shop.connect()
    await client.send(head('GET /large HTTP/1.1'))
    await expect.poll(() => client.text.length).toBeGreaterThan(50_000)
    const closed = app.close()
    await expect.poll(() => app.server.listening).toBe(false)
    for (const { socket } of blue.upstream.connections) socket.write('y'.repeat(50_000))
    expect((await client.response()).body.length).toBe(100_000)
    expect(await client.closed()).toBe('end')
    client.halfClose()
    await closed
  })

  test.each([
    ['an answer without end', EVENTS],
    ['a request without answer', ''],
  ])('%s is cut off at the drain deadline', async (_, bytes) => {
    const { app, blue } = await build({ pool: { drain: { timeout: '200ms' } } })
    blue.serve = () => (bytes === '' ? null : { bytes })
    await shop.listen()
    const client = await shop.connect()
    await client.send(head('POST /events HTTP/1.1', 'Content-Length: 0'))
    await blue.untilArrived(1)
    if (bytes !== '') await expect.poll(() => client.text).toContain('data: 1')
    await app.close()
    expect(await client.closed()).toBe('reset')
  })

  test('a stream without end is cut off at the drain deadline', async () => {
    const { app, blue } = await build({ app: { http2: true }, pool: { drain: { timeout: '200ms' } } })
    blue.serve = () => ({ bytes: EVENTS })
    await shop.listen()
    const session = connect(shop.url)
    session.on('error', () => {})
    const stream = session.request({ ':path': '/events' })
    stream.on('error', () => {})
    await once(stream, 'data')
    await app.close()
    await expect.poll(() => stream.closed).toBe(true)
    expect(stream.rstCode).not.toBe(0)
  })

  test('tunnels are closed, and so is one that opens late', async () => {
    const { app, blue } = await build({ pool: { drain: { spread: '50ms', timeout: '400ms' } } })
    const gate = new Gate()
    blue.serve = ({ target }) => ({ bytes: SWITCHING, before: target === '/late' ? gate.opened : Promise.resolve() })
    await shop.listen()
    const [open, late] = [await shop.connect(), await shop.connect()]
    await open.send(upgrade('/open'))
    await late.send(upgrade('/late'))
    await blue.untilArrived(2)
    await expect.poll(() => open.text).toContain('101 Switching')
    const closed = app.close()
    await open.closed()
    gate.open()
    await closed
    await late.closed()
  })
})

test('a tunnel that opens late does not keep an application with TLS from closing', async () => {
  const { app, blue } = await build({
    app: { https: { cert: certificate, key } },
    pool: { drain: { spread: '50ms', timeout: '400ms' } },
  })
  const gate = new Gate()
  blue.serve = () => ({ bytes: SWITCHING, before: gate.opened })
  await shop.listen()
  const socket = tlsConnect({ port: shop.port, host: '127.0.0.1', ca: certificate, servername: 'localhost' })
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes
  })
  socket.on('error', () => {})
  socket.write(upgrade('/late'))
  await blue.untilArrived(1)
  const closed = app.close()
  await expect.poll(() => app.server.listening).toBe(false)
  gate.open()
  await expect.poll(() => text).toContain('101 Switching')
  await closed
  await expect.poll(() => socket.closed).toBe(true)
})

test('decisions are on disk, and notices have been told, when it is closed', async () => {
  await build()
  const told: string[] = []
  await shop.app.register(understudy, shop.settings)
  shop.app.understudy.notices.listen(() => {
    throw new Error('somebody stumbles')
  })
  const stop = shop.app.understudy.notices.listen(({ type }) => told.push(type))
  await shop.app.ready()
  await expect.poll(() => shop.app.understudy.upstreams()[0]?.upstreams[1]?.health.status).toBe('healthy')
  shop.app.understudy.command('shop', 'switchover', { why: 'maintenance' })
  expect(shop.app.understudy.notices.since(0).map(({ type }) => type)).toEqual(expect.arrayContaining(told))
  expect(told).toContain('switchover')
  stop()
  shop.app.understudy.command('shop', 'pause')
  expect(told).not.toContain('paused')
  await shop.app.close()
  const dir = shop.settings.state?.dir ?? ''
  expect(JSON.parse(await readFile(join(dir, 'shop.json'), 'utf8'))).toMatchObject({ active: 'green', pool: 'shop' })
  expect(await readFile(join(dir, 'journal.jsonl'), 'utf8')).toContain('"by":"the application"')
})

test('an application that never listened closes as well', async () => {
  await build()
  await shop.app.register(understudy, shop.settings)
  await shop.app.close()
})

describe('a process ends by itself', () => {
  const run = async (lines: string): Promise<{ code: number; output: string }> => {
    const program = `
      import Fastify from 'fastify'
      import { understudy } from 'understudy-proxy'
      const settings = JSON.parse(process.argv[1])
      const app = Fastify()
      ${lines}`
    const root = new URL('../../../', import.meta.url).pathname
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, JSON.stringify(shop.settings)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
    const [code] = await once(child, 'exit')
    return { code, output }
  }

  test('after it has closed an application that served', async () => {
    await build()
    const { code, output } = await run(`
      await app.register(understudy, settings)
      console.log(await (await fetch(await app.listen({ port: 0, host: '127.0.0.1' }))).text())
      await app.close()`)
    expect([code, output.trim()]).toEqual([0, 'by blue'])
  })

  test('after a registration that failed', async () => {
    await build()
    const { code, output } = await run(`
      app.all('/*', async () => '')
      await app.register(understudy, settings).then(() => {}, (error) => console.log(error.code))`)
    expect([code, output.trim()]).toEqual([0, 'FST_ERR_DUPLICATED_ROUTE'])
  })
})

test('a registration that failed starts nothing, even if the application goes on', async () => {
  await build()
  const app = Fastify()
  app.decorate('understudy', { getter: () => expect.unreachable() })
  await app.register(understudy, shop.settings).then(
    () => expect.unreachable(),
    (error) => expect(error.code).toBe('FST_ERR_DEC_ALREADY_PRESENT'),
  )
  await app.close()
  expect(shop.blue.upstream.accepted).toBe(0)
})
