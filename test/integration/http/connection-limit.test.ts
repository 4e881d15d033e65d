// `maxConnections`: what finds no connection free waits, and is no evidence against anyone.
import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { afterEach, describe, expect, test } from 'vitest'
import type { PoolView } from '../../../src/admin/views.ts'
import { type CountingOptions, CountingOrigin } from '../../support/counting-origin.ts'
import { type Proxy as RunningProxy, startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { Signal, turns } from '../../support/signal.ts'
import { type StrictResponse, valuesOf } from '../../support/strict-http.ts'
import { listening } from '../wire/http2-rig.ts'
import { CALM } from '../wire/rig.ts'
import { getJson, getText } from './support/admin.ts'
import { Gate, reset, whole } from './support/answers.ts'
import { Pair, type Request, requestText } from './support/pair.ts'
import { passed, until } from './support/until.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

/** One upstream whose connections are all the traffic's: nobody probes it. */
async function limited(maxConnections: number, hold: object = {}, options: CountingOptions = {}) {
  const origin = await CountingOrigin.start(options)
  cleanup.push(() => origin.stop())
  return { origin, proxy: await proxyTo({ port: origin.port, maxConnections }, hold) }
}

async function proxyTo(upstream: { port: number; url?: string; maxConnections: number }, hold: object) {
  const proxy = await startProxy({ upstreams: [{ name: 'blue', ...upstream }], poolOverrides: { ...CALM, hold } })
  cleanup.push(() => proxy.stop())
  return proxy
}

async function connect({ port }: RunningProxy): Promise<RawClient> {
  const client = await RawClient.connect(port)
  cleanup.push(() => client.destroy())
  return client
}

async function ask(proxy: RunningProxy, request: Request = {}): Promise<StrictResponse> {
  const client = await connect(proxy)
  await client.send(requestText(request))
  const answer = await client.response(request.method ?? 'GET', request.deadline)
  client.destroy()
  return answer
}

const view = ({ adminPort }: RunningProxy) => getJson<PoolView>(adminPort, '/pools/shop')
const held = (proxy: RunningProxy, count: number) =>
  until(async () => ((await view(proxy)).held === count ? true : undefined), { what: `${count} requests to be held` })

async function metric({ adminPort }: RunningProxy, name: string): Promise<number> {
  const line = (await getText(adminPort, '/metrics')).split('\n').find((each) => each.startsWith(`understudy_${name}`))
  return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? 0)
}

const errorOf = ({ status, fields }: StrictResponse) => [
  status,
  ...valuesOf(fields, 'understudy-error'),
  ...valuesOf(fields, 'retry-after'),
]
const OVERLOADED = [503, 'overloaded', '1']

describe('a burst of requests', () => {
  test.each([
    ['keeps its connections', false],
    ['closes each after one answer', true],
  ])('is answered, over no more connections than may be, by a server that %s', async (_, closes) => {
    const { origin, proxy } = await limited(3, {}, { answersAtOnce: true, closes })
    const requests = Array.from({ length: 90 }, (_each, nr) => ({
      method: nr % 3 === 0 ? 'POST' : 'GET',
      target: `/${nr}`,
    }))
    const answers = await Promise.all(requests.map((request) => ask(proxy, request)))
    expect(answers.map(({ body }) => body)).toEqual(requests.map(({ target }) => target))
    expect(origin.peak).toBeLessThanOrEqual(3)
    if (!closes) expect([origin.peak, origin.accepted]).toEqual([3, 3])
    expect(await metric(proxy, 'requests_lost_total')).toBe(0)
  })

  test('shows in /pools and in the metrics', async () => {
    const { origin, proxy } = await limited(2)
    const all = ['/1', '/2', '/3'].map((target) => ask(proxy, { target }))
    await held(proxy, 1)
    const [blue, nobody] = (await view(proxy)).upstreams
    expect([blue?.connections, nobody?.connections]).toEqual([
      { open: 2, max: 2 },
      { open: 0, max: null },
    ])
    expect(await metric(proxy, 'upstream_connections{pool="shop",upstream="blue"}')).toBe(2)
    origin.answersAtOnce = true
    for (const { answer } of [...origin.requests]) answer()
    await Promise.all(all)
  })
})

describe('what finds no connection free', () => {
  test('goes on in the order of arrival, and is not overtaken by the next request of a client just served', async () => {
    const { origin, proxy } = await limited(1)
    const first = await connect(proxy)
    await first.send(requestText({ target: '/a' }))
    const a = await origin.request(0)
    const waiting = []
    for (const [index, target] of ['/b', '/c'].entries()) {
      waiting.push(ask(proxy, { target }))
      await held(proxy, index + 1)
    }
    await first.send(requestText({ target: '/d' }))
    await turns(4)
    a.answer()
    for (const index of [1, 2, 3]) (await origin.request(index)).answer()
    expect((await first.responses(2)).map(({ body }) => body)).toEqual(['/a', '/d'])
    expect((await Promise.all(waiting)).map(({ body }) => body)).toEqual(['/b', '/c'])
    expect(origin.targets).toEqual(['/a', '/b', '/c', '/d'])
    expect([origin.accepted, origin.peak]).toEqual([1, 1])
  })

  test('gets 503 overloaded when as many wait as may', async () => {
    const { origin, proxy } = await limited(1, { requests: 1, time: '10s' })
    const first = ask(proxy, { target: '/1' })
    await origin.request(0)
    const second = ask(proxy, { target: '/2' })
    await held(proxy, 1)
    const refused = await ask(proxy, { target: '/3' })
    expect(errorOf(refused)).toEqual(OVERLOADED)
    expect(refused.body).toContain('all connections to the upstream are in use')
    expect(await metric(proxy, 'requests_lost_total{pool="shop",why="connection-limit"}')).toBe(1)
    for (const index of [0, 1]) (await origin.request(index)).answer()
    expect((await Promise.all([first, second])).map(({ body }) => body)).toEqual(['/1', '/2'])
  })

  test('gets 503 overloaded once it has waited for hold.time, and nothing of it is held against the upstream', async () => {
    const { origin, proxy } = await limited(1, { time: '200ms' })
    const first = ask(proxy, { target: '/1' })
    await origin.request(0)
    const began = performance.now()
    const others = await Promise.all(Array.from({ length: 30 }, () => ask(proxy, { method: 'POST' })))
    expect(others.map(errorOf)).toEqual(others.map(() => OVERLOADED))
    expect(performance.now() - began).toBeGreaterThanOrEqual(195)
    const { epoch, upstreams } = await view(proxy)
    expect([epoch, upstreams[0]?.inFlight, upstreams[0]?.lastOutcome]).toEqual([1, 1, null])
    for (const name of ['upstream_failures_total', 'suspicions_total', 'replay_abandoned_total']) {
      expect([name, await metric(proxy, name)]).toEqual([name, 0])
    }
    expect(await metric(proxy, 'requests_lost_total{pool="shop",why="connection-limit"}')).toBe(30)
    ;(await origin.request(0)).answer()
    expect((await first).body).toBe('/1')
    expect(origin.targets).toEqual(['/1'])
  })

  test('makes room when its client leaves', async () => {
    const { origin, proxy } = await limited(1)
    const first = ask(proxy, { target: '/1' })
    await origin.request(0)
    const leaving = await connect(proxy)
    await leaving.send(requestText({ target: '/gone' }))
    await held(proxy, 1)
    const last = ask(proxy, { target: '/2' })
    await held(proxy, 2)
    leaving.reset()
    await held(proxy, 1)
    for (const index of [0, 1]) (await origin.request(index)).answer()
    expect((await Promise.all([first, last])).map(({ body }) => body)).toEqual(['/1', '/2'])
  })

  test('goes on when a client leaves whose request had the connection', async () => {
    const { origin, proxy } = await limited(1)
    const leaving = await connect(proxy)
    await leaving.send(requestText({ target: '/gone' }))
    await origin.request(0)
    const next = ask(proxy, { target: '/next' })
    await held(proxy, 1)
    leaving.reset()
    ;(await origin.request(1)).answer()
    expect((await next).body).toBe('/next')
    expect([origin.accepted, origin.peak]).toEqual([2, 1])
  })
})

describe('connections that are open, but not in use', () => {
  test('are closed for a POST that does not trust them: it need not wait', async () => {
    const { origin, proxy } = await limited(2, { requests: 0 }, { answersAtOnce: true })
    await Promise.all([ask(proxy, { target: '/1' }), ask(proxy, { target: '/2' })])
    const before = [...origin.sockets]
    await passed(1_100)
    const posts = await Promise.all(['/3', '/4'].map((target) => ask(proxy, { method: 'POST', target })))
    expect(posts.map(({ status }) => status)).toEqual([200, 200])
    expect([origin.peak, origin.accepted, before.length]).toEqual([2, 4, 2])
    for (const socket of before) expect(origin.sockets.has(socket)).toBe(false)
  })

  test('may be tunnels, which count for as long as they are open', async () => {
    const { origin, proxy } = await limited(1, { time: '10s' }, { answersAtOnce: true })
    const tunnel = await connect(proxy)
    await tunnel.send(requestText({ fields: ['Connection: Upgrade', 'Upgrade: websocket'] }))
    await tunnel.signal.until(() => tunnel.text.startsWith('HTTP/1.1 101 '), 'the tunnel')
    const get = ask(proxy, { target: '/1' })
    await held(proxy, 1)
    expect(origin.requests).toHaveLength(1)
    tunnel.destroy()
    expect((await get).body).toBe('/1')
    expect(origin.peak).toBe(1)
  })
})

describe('with a standby', () => {
  let pair: Pair
  const start = async (options: Parameters<typeof Pair.start>[0]): Promise<void> => {
    pair = await Pair.start(options)
    cleanup.push(() => pair.stop())
  }
  const heldByPair = (count: number) => pair.until((now) => now.held === count, `${count} requests to be held`)

  test('a switch sets those free who wait, for the new active', async () => {
    await start({ maxConnections: { blue: 1 }, pool: { hold: { time: '10s' } } })
    const gate = new Gate()
    pair.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
    const first = pair.ask({ target: '/1' })
    await pair.blue.untilArrived(1)
    const waiting = [pair.ask({ method: 'POST', target: '/2', body: 'one tea' }), pair.ask({ target: '/3' })]
    await heldByPair(2)
    await pair.command('failover', { force: true })
    expect((await Promise.all(waiting)).map(({ body }) => body)).toEqual(['by green', 'by green'])
    expect(pair.blue.seen).toEqual(['GET /1'])
    expect(await pair.metric('requests_rescued_total', 'how="hold"')).toBe(2)
    gate.open()
    expect((await first).body).toBe('by blue')
  })

  test('a replay waits for a connection to it like any other request', async () => {
    await start({ maxConnections: { green: 1 }, pool: { hold: { time: '10s' } } })
    const gate = new Gate()
    pair.blue.serve = () => reset
    pair.green.serve = () => ({ ...whole(200, 'by green'), before: gate.opened })
    const first = pair.ask({ target: '/1' })
    await pair.green.untilArrived(1)
    const second = pair.ask({ target: '/2' })
    await heldByPair(1)
    expect(pair.green.seen).toEqual(['GET /1'])
    gate.open()
    expect([(await first).body, (await second).body]).toEqual(['by green', 'by green'])
    expect(pair.blue.seen).toEqual(['GET /1', 'GET /2'])
  })
})

describe('over HTTP/2', () => {
  test('it is connections that are limited, and requests beyond their streams wait', async () => {
    const streams: ServerHttp2Stream[] = []
    const sessions = new Set<ServerHttp2Session>()
    const signal = new Signal()
    let peak = 0
    const server = http2.createServer({ settings: { maxConcurrentStreams: 2 } })
    server.on('session', (session) => {
      sessions.add(session)
      peak = Math.max(peak, sessions.size)
      session.on('close', () => sessions.delete(session))
    })
    server.on('stream', (stream: ServerHttp2Stream) => {
      streams.push(stream)
      signal.notify()
    })
    const port = await listening(server)
    cleanup.push(async () => {
      for (const session of sessions) session.destroy()
      await new Promise((closed) => server.close(closed))
    })
    const proxy = await proxyTo({ port, url: `h2c://127.0.0.1:${port}`, maxConnections: 2 }, { time: '10s' })
    const all = Array.from({ length: 10 }, (_, nr) => ask(proxy, { target: `/${nr}`, method: nr % 2 ? 'POST' : 'GET' }))
    await signal.until(() => streams.length === 4, 'four streams')
    await held(proxy, 6)
    for (let answered = 0; answered < 10; answered++) {
      const stream = await signal.until(() => streams[answered], `stream ${answered}`)
      stream.respond({ ':status': 204 }, { endStream: true })
    }
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(all.map(() => 204))
    expect([peak, streams.length]).toEqual([2, 10])
  })
})
