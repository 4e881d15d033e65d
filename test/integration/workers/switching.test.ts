// Two threads carry the traffic, one decides: what a failover, a switchover and a doubt are to requests of either.
import { afterEach, describe, expect, test } from 'vitest'
import { Gate, reset, whole } from '../http/support/answers.ts'
import type { Pair } from '../http/support/pair.ts'
import { requestText } from '../http/support/pair.ts'
import { askAll, clients, MANY, startPair, times } from './support.ts'

let pair: Pair
afterEach(() => pair.stop())

describe('a failover', () => {
  test('reaches both workers, and no request is lost', async () => {
    pair = await startPair()
    const all = await clients(pair)
    expect(await askAll(all)).toEqual(times(MANY, 'by blue'))
    pair.blue.alwaysAnswer(reset)
    expect(await askAll(all)).toEqual(times(MANY, 'by green'))
    await pair.until(({ active, epoch }) => active === 'green' && epoch === 2, 'green to be active')
    const before = pair.blue.arrived.length
    expect(await askAll(all, { method: 'POST', target: '/orders', body: 'tea' })).toEqual(times(MANY, 'by green'))
    expect(pair.blue.arrived).toHaveLength(before)
  })

  test('of a single writer cuts off every connection of the old active before the new one gets a request', async () => {
    pair = await startPair({ pool: { kind: 'singleWriter', hold: { time: '10s' } } })
    pair.blue.serve = () => null
    const all = await clients(pair)
    const asked = all.map(async (client) => {
      await client.send(requestText({ method: 'POST', target: '/slow', body: 'tea' }))
      return (await client.response('POST')).status
    })
    await pair.blue.untilArrived(MANY)
    const open = () => [...pair.blue.upstream.connections].filter(({ ending }) => ending === 'open').length
    const openAtFirst: number[] = []
    pair.green.serve = () => {
      openAtFirst.push(open())
      return whole(200, 'by green')
    }
    await pair.command('failover', { force: true })
    const next = await askAll(await clients(pair))
    expect(next).toEqual(times(MANY, 'by green'))
    // Probes of blue go on, one at a time.
    expect(Math.max(...openAtFirst)).toBeLessThanOrEqual(1)
    expect(await Promise.all(asked)).toEqual(times(MANY, 502))
  })
})

describe('a planned switchover', () => {
  test('of a single writer waits for what is in flight at either worker, and holds what comes meanwhile', async () => {
    pair = await startPair({ pool: { kind: 'singleWriter', hold: { time: '10s' } } })
    const gate = new Gate()
    pair.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
    const inFlight = askAll(await clients(pair), { method: 'POST', target: '/1', body: 'tea' })
    await pair.blue.untilArrived(MANY)
    await pair.command('switchover')
    const held = askAll(await clients(pair), { method: 'POST', target: '/2', body: 'tea' })
    await pair.until((view) => view.held === MANY, 'all to be held')
    expect(pair.green.seen).toEqual([])
    gate.open()
    expect(await inFlight).toEqual(times(MANY, 'by blue'))
    expect(await held).toEqual(times(MANY, 'by green'))
    expect(pair.green.seen).toEqual(times(MANY, 'POST /2'))
  })
})

describe('a doubt', () => {
  test('that one worker has keeps POSTs waiting at both, until either hears a byte', async () => {
    pair = await startPair({
      pool: { detect: { hangAfter: '250ms' }, replay: { standbyReads: false }, hold: { time: '30s' } },
      probe: { unhealthy: 100 },
    })
    const [first] = await clients(pair, 1)
    for (let answer = 0; answer < 250; answer++) await askAll(first ? [first] : [], { target: '/items/1' })
    const gate = new Gate()
    pair.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
    for (const side of [pair.blue, pair.green]) side.probe = () => null
    // On a busy machine blue may have been in doubt before.
    const earlier = await pair.metric('suspicions_total', '')
    const get = askAll(first ? [first] : [], { target: '/items/2' })
    await expect.poll(() => pair.metric('suspicions_total', ''), { timeout: 5_000 }).toBeGreaterThan(earlier)
    const posts = askAll(await clients(pair), { method: 'POST', target: '/orders', body: 'tea' })
    await pair.until((view) => view.held === MANY, 'all of them to be held')
    expect(pair.blue.seen.filter((seen) => seen.startsWith('POST'))).toEqual([])
    // Probes stay without an answer: the byte that one worker hears has to end the doubt of the other too.
    gate.open()
    expect(await get).toEqual(['by blue'])
    expect(await posts).toEqual(times(MANY, 'by blue'))
  })
})
