// No upstream is fit: requests wait, for a bounded time and in a bounded number.
import { afterEach, describe, expect, test } from 'vitest'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, named, reset, whole } from './support/answers.ts'
import type { PairOptions } from './support/pair.ts'
import { Pair } from './support/pair.ts'

let pair: Pair
afterEach(() => pair.stop())

/** Both accept connections and close them, and the pool knows it. */
async function nobodyFit(hold: object, more: PairOptions = {}): Promise<void> {
  pair = await Pair.start({ ...more, pool: { hold, ...more.pool } })
  pair.blue.alwaysAnswer(reset)
  pair.green.alwaysAnswer(reset)
  await pair.until(({ phase }) => phase === 'unavailable', 'nobody to be active')
}

const held = (count: number) => pair.until((view) => view.held === count, `${count} requests to be held`)

describe('nobody is fit', () => {
  test('a request waits and is answered when one of them comes back', async () => {
    await nobodyFit({ time: '5s' })
    const get = pair.ask({ target: '/first' })
    const post = pair.ask({ method: 'POST', target: '/second', body: 'one tea' })
    await held(2)
    pair.green.recover()
    expect((await get).body).toBe('by green')
    expect((await post).body).toBe('by green')
    expect(pair.green.arrived.map(({ body }) => body).sort()).toEqual(['', 'one tea'])
    expect(await pair.metric('requests_rescued_total', 'how="hold"')).toBe(2)
  })

  test('when nobody comes back it gets 503 no_upstream with Retry-After, no sooner than hold.time', async () => {
    await nobodyFit({ time: '300ms' })
    const began = performance.now()
    const response = await pair.ask()
    expect(response.status).toBe(503)
    expect(valuesOf(response.fields, 'understudy-error')).toEqual(['no_upstream'])
    expect(valuesOf(response.fields, 'retry-after')).toEqual(['1'])
    expect(performance.now() - began).toBeGreaterThanOrEqual(295)
    expect(await pair.metric('requests_lost_total', 'why="no-upstream"')).toBeGreaterThanOrEqual(1)
  })

  test('as many may wait as allowed; one more is told at once that it is too much', async () => {
    await nobodyFit({ requests: 2, time: '10s' })
    const waiting = [pair.ask({ target: '/1', deadline: 15_000 }), pair.ask({ target: '/2', deadline: 15_000 })]
    await held(2)
    const refused = await pair.ask({ target: '/3' })
    expect(refused.status).toBe(503)
    expect(valuesOf(refused.fields, 'understudy-error')).toEqual(['overloaded'])
    expect(valuesOf(refused.fields, 'retry-after')).toEqual(['1'])
    pair.blue.recover()
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200])
  })

  test('what the waiting ones keep in memory is bounded, too', async () => {
    await nobodyFit({ bytes: '8KiB', time: '10s' })
    const waiting = pair.ask({ method: 'POST', body: 'x'.repeat(6_000), deadline: 15_000 })
    await held(1)
    const refused = await pair.ask({ method: 'POST', body: 'x'.repeat(6_000) })
    expect(valuesOf(refused.fields, 'understudy-error')).toEqual(['overloaded'])
    pair.blue.recover()
    expect((await waiting).status).toBe(200)
  })

  test('a client that leaves makes room', async () => {
    await nobodyFit({ time: '10s' })
    const client = await pair.connect()
    await client.send('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await held(1)
    client.reset()
    await held(0)
  })
})

describe('operators have the last word', () => {
  const refusedAtOnce = async (): Promise<void> => {
    await pair.blue.upstream.stop()
    const began = performance.now()
    const response = await pair.ask()
    expect(response.status).toBe(502)
    expect(valuesOf(response.fields, 'understudy-error')).toEqual(['upstream_unreachable'])
    expect(performance.now() - began).toBeLessThan(1_000)
    expect(pair.green.seen).toEqual([])
    expect((await pair.view()).active).toBe('blue')
  }

  test('failover: manual: no replay to the standby and no waiting for it', async () => {
    pair = await Pair.start({ pool: { failover: { mode: 'manual' } } })
    await refusedAtOnce()
    await pair.command('failover', { force: true })
    expect((await pair.ask()).body).toBe('by green')
  })

  test('a paused pool: no replay to the standby and no waiting for it', async () => {
    pair = await Pair.start()
    await pair.command('pause')
    await refusedAtOnce()
    await pair.command('resume')
    expect((await pair.ask()).body).toBe('by green')
  })

  test('a paused pool passes an answer of 503 through', async () => {
    pair = await Pair.start()
    await pair.command('pause')
    pair.blue.serve = () => whole(503, 'blue is busy')
    expect((await pair.ask()).body).toBe('blue is busy')
    expect(pair.green.seen).toEqual([])
  })

  test('a paused pool still answers the keep-alive race with a fresh socket', async () => {
    pair = await Pair.start()
    await pair.command('pause')
    pair.blue.serve = (_, connection) => (connection.requests.length === 2 ? reset : whole(200, 'by blue'))
    await pair.ask()
    expect((await pair.ask()).body).toBe('by blue')
  })

  test('drain of the active: new requests go to the standby, those in flight finish where they are', async () => {
    pair = await Pair.start()
    const gate = new Gate()
    pair.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
    const before = [pair.ask({ target: '/1' }), pair.ask({ method: 'POST', target: '/2', body: 'one tea' })]
    await pair.blue.untilArrived(2)
    await pair.command('upstreams/blue/drain')
    expect((await pair.ask({ target: '/3' })).body).toBe('by green')
    gate.open()
    expect((await Promise.all(before)).map(({ body }) => body)).toEqual(['by blue', 'by blue'])
    await pair.command('upstreams/blue/enable')
    expect((await pair.view()).active).toBe('green')
  })

  test('disable of the active closes its connections: a GET is sent again, a POST learns that it broke off', async () => {
    pair = await Pair.start()
    pair.blue.serve = () => null
    const get = pair.ask()
    const post = pair.ask({ method: 'POST', body: 'one tea' })
    await pair.blue.untilArrived(2)
    await pair.command('upstreams/blue/disable')
    expect((await get).body).toBe('by green')
    expect((await post).status).toBe(502)
    expect(pair.green.seen).toEqual(['GET /'])
    pair.green.serve = named('green')
    expect((await pair.ask()).body).toBe('by green')
  })
})
