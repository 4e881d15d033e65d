// A rehearsal: probes and requests to the standby, a verdict, and nothing changed.
import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { DrillView } from '../../../src/admin/drill-route.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { startProxy } from '../../support/proxy.ts'
import { ask, postJson } from './support/admin.ts'
import { Gate, whole } from './support/answers.ts'
import { Pair } from './support/pair.ts'

let pair: Pair
afterEach(() => pair.stop())

/** Probed at the start and then never again, so that all that arrives is the drill's. */
const start = async (pool: object = {}): Promise<Pair> => {
  pair = await Pair.start({ probe: { interval: '10m' }, pool })
  return pair
}

const drill = (order: object = {}): Promise<DrillView> => postJson(pair.proxy.adminPort, '/pools/shop/drill', order)

/** Everything that evidence, health and counters know. */
function known() {
  const runtime = pair.proxy.understudy.pools.get('shop')
  if (!runtime) throw new Error('no pool')
  const ledgers = ['blue', 'green'].map((name) => {
    const { evidence, counters, inFlight, lastOutcome, recent } = runtime.ledger(upstreamId(name))
    // Its window moves on whenever it is asked.
    const recentlyGood = { recent: evidence.recentlyGood(systemClock.now()) }
    return structuredClone({ evidence: { ...evidence, ...recentlyGood }, counters, inFlight, lastOutcome, recent })
  })
  return { state: runtime.state, route: runtime.route, counters: structuredClone(runtime.counters), ledgers }
}

describe('a good standby', () => {
  test('is ready, and is compared with the active', async () => {
    await start()
    const view = await drill()
    expect(view).toMatchObject({ pool: 'shop', upstream: 'green', verdict: 'ready', reasons: [], remarks: [] })
    expect(view.summary).toMatchObject({ upstream: 'green', sent: 20, failed: 0, statuses: { 200: 20 } })
    expect(view.comparedWith).toMatchObject({ upstream: 'blue', sent: 20, failed: 0, statuses: { 200: 20 } })
    expect(view.probes).toMatchObject([{ verdict: 'pass' }, { verdict: 'pass' }, { verdict: 'pass' }])
    expect(view.requests).toHaveLength(20)
    expect(view.summary.p50).toBeGreaterThan(0)
  })

  test('gets GETs only, marked as a drill, at most four at a time', async () => {
    await start()
    const gate = new Gate()
    pair.green.serve = () => ({ ...whole(200, 'by green'), before: gate.opened })
    const drilled = drill({ path: '/items?of=tea', requests: 9 })
    await pair.green.untilArrived(4)
    // A fifth would be under way as well, and here before the answers to these.
    await pair.view()
    await pair.view()
    expect(pair.green.arrived).toHaveLength(4)
    gate.open()
    const { path } = await drilled
    expect(path).toBe('/items?of=tea')
    expect(pair.green.seen).toEqual(new Array(9).fill('GET /items?of=tea'))
    for (const { fields } of pair.green.arrived) {
      expect(fields.map(([name, value]) => `${name}: ${value}`.toLowerCase())).toContain('understudy-drill: 1')
    }
  })

  test('is as it was before: the same state, the same evidence, the same counters', async () => {
    await start()
    const before = known()
    await drill()
    pair.green.alwaysAnswer(whole(500, 'no'))
    await drill()
    const after = known()
    expect(after.state).toBe(before.state)
    expect(after.route).toBe(before.route)
    expect(after).toEqual(before)
    expect((await pair.events()).events.map(({ type }) => type)).not.toContain('ejected')
  })
})

describe('a standby is not ready', () => {
  test('when it is dead', async () => {
    await start()
    await pair.green.upstream.stop()
    const view = await drill()
    expect(view.verdict).toBe('not-ready')
    expect(view.reasons[0]).toMatch(/^3 of 3 probes failed: .*refused/)
    expect(view.reasons[1]).toMatch(/^4 of 4 requests failed: .*ECONNREFUSED/)
    expect(view.comparedWith).toMatchObject({ failed: 0 })
  })

  test('when it accepts and never answers, which is found out in time', async () => {
    await start()
    pair.green.alwaysAnswer(null)
    const before = known()
    const view = await drill({ requests: 200 })
    expect(view.verdict).toBe('not-ready')
    expect(view.reasons).toEqual([
      '3 of 3 probes failed: no answer within 200 ms',
      expect.stringMatching(/^4 of 4 requests failed: no answer within \d+ ms$/),
      'only 4 of 200 requests were sent',
    ])
    expect(known()).toEqual(before)
  })

  test('when it answers 500 while its probe passes', async () => {
    await start()
    pair.green.serve = () => whole(500, 'no')
    const view = await drill({ requests: 6 })
    expect(view).toMatchObject({
      verdict: 'not-ready',
      reasons: ['6 of 6 requests were answered with 500'],
      summary: { statuses: { 500: 6 } },
      comparedWith: { statuses: { 200: 6 } },
    })
    expect(view.probes.every(({ verdict }) => verdict === 'pass')).toBe(true)
  })

  test('when it sends its clients elsewhere', async () => {
    await start()
    pair.green.serve = () => whole(302, '')
    expect((await drill({ requests: 3 })).reasons).toEqual(['answers 302 where blue answers 200'])
  })

  test('when it cuts its answers', async () => {
    await start()
    pair.green.serve = () => ({ bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', after: 'end' })
    expect((await drill({ requests: 3 })).reasons[0]).toMatch(/^3 of 3 requests failed: answered 200, then: /)
  })
})

describe('an answer', () => {
  test('may be endless, as events are: to have begun is enough', async () => {
    await start()
    pair.green.serve = () => ({ bytes: 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n' })
    expect(await drill({ requests: 2 })).toMatchObject({ verdict: 'ready', summary: { statuses: { 200: 2 } } })
  })

  test('may be huge: no more of it is read than proves anything', async () => {
    await start()
    const body = 'x'.repeat(4_000_000)
    pair.green.serve = () => whole(200, body)
    expect(await drill({ requests: 2 })).toMatchObject({ verdict: 'ready', summary: { statuses: { 200: 2 } } })
  })
})

describe('who is tested', () => {
  test('is a standby that was disabled, in a paused pool, too; the answer says so', async () => {
    await start()
    await pair.command('upstreams/green/disable')
    await pair.command('pause')
    expect(await drill({ requests: 1 })).toMatchObject({
      upstream: 'green',
      verdict: 'ready',
      remarks: [
        'green is disabled by an operator: as things are it would not take over',
        'automation is paused: nobody takes over by itself',
      ],
    })
  })

  test('is whoever was named, the active too, which is compared with nobody', async () => {
    await start({ failover: { mode: 'manual' } })
    expect(await drill({ upstream: 'blue', requests: 1 })).toMatchObject({
      upstream: 'blue',
      comparedWith: null,
      remarks: ['blue is the active, so it is compared with nobody', 'failover is manual: nobody takes over by itself'],
    })
    expect(pair.green.seen).toEqual([])
  })

  test('is nobody that does not exist', async () => {
    await start()
    const asked = { port: pair.proxy.adminPort, method: 'POST', path: '/pools/shop/drill' }
    expect(await ask({ ...asked, body: { upstream: 'red' } })).toMatchObject({ status: 404 })
    expect(await ask({ ...asked, body: { path: 'no path' } })).toMatchObject({ status: 400 })
    expect(await ask({ ...asked, body: { path: '/a\r\nX: 1' } })).toMatchObject({ status: 400 })
    expect(await ask({ ...asked, body: { requests: 201 } })).toMatchObject({ status: 400 })
  })
})

describe('one drill at a time', () => {
  test('a second one is refused, and may follow when the first is over', async () => {
    await start()
    const gate = new Gate()
    pair.green.serve = () => ({ ...whole(200, 'late'), before: gate.opened })
    const first = drill({ requests: 1 })
    await pair.green.untilArrived(1)
    const asked = { port: pair.proxy.adminPort, method: 'POST', path: '/pools/shop/drill' }
    const refused = await ask({ ...asked, body: {} })
    expect(refused.status).toBe(409)
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'drill_in_progress' })
    gate.open()
    expect(await first).toMatchObject({ verdict: 'ready' })
    expect(await drill({ requests: 1 })).toMatchObject({ verdict: 'ready' })
  })

  test('the end of the process ends it', async () => {
    await start()
    pair.green.alwaysAnswer(null)
    const first = drill({ requests: 4 }).catch(() => 'ended')
    await pair.green.untilArrived(1)
    pair.proxy.understudy.kill()
    await first
    await pair.green.upstream.until(
      () => [...pair.green.upstream.connections].every(({ ending }) => ending !== 'open') || undefined,
      'all connections to end',
    )
  })
})

describe('upstreams that speak HTTP/2', () => {
  test('are asked in HTTP/2', async () => {
    await start()
    const marks: unknown[] = []
    const origin = createServer((request, response) => {
      marks.push(request.headers['understudy-drill'])
      response.end('ok')
    })
    await once(origin.listen(0, '127.0.0.1'), 'listening')
    const { port } = origin.address() as AddressInfo
    const upstreams = ['blue', 'green'].map((name) => ({ name, port, url: `h2c://127.0.0.1:${port}` }))
    const proxy = await startProxy({ upstreams })
    try {
      const view = await postJson<DrillView>(proxy.adminPort, '/pools/shop/drill', { requests: 6 })
      expect(view).toMatchObject({ verdict: 'ready', summary: { statuses: { 200: 6 } } })
      expect(marks).toEqual(new Array(12).fill('1'))
    } finally {
      await proxy.stop()
      origin.close()
    }
  })
})

describe('a TCP pool', () => {
  test('has connections tried', async () => {
    await start()
    const proxy = await startProxy({
      upstreams: ['blue', 'green'].map((name, index) => {
        const port = (index === 0 ? pair.blue : pair.green).upstream.port
        return { name, port, url: `tcp://127.0.0.1:${port}` }
      }),
      listenerOverrides: { protocol: 'tcp' },
    })
    try {
      const good = await postJson<DrillView>(proxy.adminPort, '/pools/shop/drill', { requests: 5 })
      expect(good).toMatchObject({ verdict: 'ready', path: null, summary: { sent: 5, failed: 0, statuses: {} } })
      await pair.green.upstream.stop()
      const dead = await postJson<DrillView>(proxy.adminPort, '/pools/shop/drill', { requests: 5, path: '/x' })
      expect(dead.verdict).toBe('not-ready')
      expect(dead.reasons[1]).toMatch(/^\d of \d requests failed: .*refused/)
      expect(dead.remarks).toContain('a TCP pool has no paths: connections were tried')
    } finally {
      await proxy.stop()
    }
  })
})
