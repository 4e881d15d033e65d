// The active says nothing, and nobody knows yet whether it will: what is saved meanwhile, and that it costs nothing when
// the doubt proves unfounded. Neither side answers probes meanwhile, so that no verdict ever falls (R8).
import { afterEach, describe, expect, test } from 'vitest'
import { Gate, reset, whole } from './support/answers.ts'
import type { PairOptions } from './support/pair.ts'
import { Pair } from './support/pair.ts'
import { passed, until } from './support/until.ts'

let pair: Pair
afterEach(() => pair.stop())

const count = (name: 'suspicions_total' | 'refuted_total') => pair.metric(name, '')
/** On a busy machine blue may have been in doubt before it is silent. */
let earlier = { suspicions: 0, refuted: 0 }

/** Blue has answered often enough for its silence to be news; from now on it answers when the gate opens. */
async function silent(pool: PairOptions['pool'] = {}, more: PairOptions = {}): Promise<Gate> {
  const detect = { hangAfter: '250ms' }
  pair = await Pair.start({ pool: { detect, ...pool }, probe: { unhealthy: 100 }, ...more })
  const client = await pair.connect()
  for (let answer = 0; answer < 250; answer++) {
    client.forget()
    await client.send('GET /items/1 HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await client.response()
  }
  const gate = new Gate()
  pair.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
  for (const side of [pair.blue, pair.green]) side.probe = () => null
  earlier = { suspicions: await count('suspicions_total'), refuted: await count('refuted_total') }
  return gate
}

const NO_STANDBY_READS = { replay: { standbyReads: false } }
const held = (count: number) => pair.until((view) => view.held === count, `${count} requests to be held`)
const suspected = () =>
  until(async () => ((await count('suspicions_total')) > earlier.suspicions ? true : undefined), {
    what: 'the active to be suspected',
    milliseconds: 5_000,
  })
const nothingInFlight = () =>
  pair.until(({ upstreams }) => upstreams.every(({ inFlight }) => inFlight === 0), 'nothing to be in flight')
const onGreen = () => pair.green.seen

describe('while the active is suspected', () => {
  test('a POST waits, and goes to the active with the next byte from it', async () => {
    const gate = await silent(NO_STANDBY_READS)
    const get = pair.ask({ target: '/items/2' })
    await suspected()
    const post = pair.ask({ method: 'POST', target: '/orders', body: 'one tea' })
    await held(1)
    expect(pair.blue.arrived.filter(({ method }) => method === 'POST')).toEqual([])
    gate.open()
    expect([(await get).body, (await post).body]).toEqual(['by blue', 'by blue'])
    expect(onGreen()).toEqual([])
    expect((await count('refuted_total')) - earlier.refuted).toBe(1)
    expect(await pair.metric('requests_rescued_total', 'how="hold"')).toBe(0)
  })

  test('a POST that has waited for hold.time is sent to it all the same: an error would be worse', async () => {
    const gate = await silent({ ...NO_STANDBY_READS, hold: { time: '100ms' } })
    const get = pair.ask({ target: '/items/2' })
    await suspected()
    const post = pair.ask({ method: 'POST', target: '/orders', body: 'one tea' })
    await pair.blue.upstream.until(
      () => pair.blue.arrived.some(({ method }) => method === 'POST'),
      'the POST to be sent',
    )
    gate.open()
    expect([(await get).body, (await post).body]).toEqual(['by blue', 'by blue'])
  })

  test('as many wait as may; the next one is sent to it at once', async () => {
    const gate = await silent({ ...NO_STANDBY_READS, hold: { requests: 1, time: '30s' } })
    const get = pair.ask({ target: '/items/2' })
    await suspected()
    const first = pair.ask({ method: 'POST', target: '/orders', body: 'one tea' })
    await held(1)
    const second = pair.ask({ method: 'POST', target: '/orders', body: 'two teas' })
    await pair.blue.upstream.until(
      () => pair.blue.arrived.some(({ body }) => body === 'two teas'),
      'the second POST to be sent',
    )
    gate.open()
    expect((await Promise.all([get, first, second])).map(({ body }) => body)).toEqual(['by blue', 'by blue', 'by blue'])
  })

  test('a new GET is answered by the standby', async () => {
    const gate = await silent()
    const post = pair.ask({ method: 'POST', target: '/items/2', body: 'one tea' })
    await suspected()
    expect((await pair.ask({ target: '/items/3' })).body).toBe('by green')
    gate.open()
    expect((await post).body).toBe('by blue')
  })

  test('a GET that it owes is asked of the standby, too, and whoever answers first is believed', async () => {
    await silent()
    expect((await pair.ask({ target: '/items/2' })).body).toBe('by green')
    expect(await pair.metric('requests_rescued_total', 'how="hedge"')).toBe(1)
    expect((await pair.view()).active).toBe('blue')
    await nothingInFlight()
  })

  test('with a single writer nothing goes to the standby', async () => {
    const gate = await silent({ kind: 'singleWriter' })
    const first = pair.ask({ target: '/items/2' })
    await suspected()
    const second = pair.ask({ target: '/items/3' })
    await pair.blue.upstream.until(
      () => pair.blue.arrived.some(({ target }) => target === '/items/3'),
      'the second GET',
    )
    gate.open()
    expect([(await first).body, (await second).body]).toEqual(['by blue', 'by blue'])
    expect(onGreen()).toEqual([])
  })
})

describe('of two attempts at one request', () => {
  /** Until the standby has been asked, too. */
  const hedged = () => pair.green.untilArrived(1)

  test('the first one wins when it answers first, and the other counts for nothing', async () => {
    const gate = await silent()
    pair.green.serve = () => null
    const get = pair.ask({ target: '/items/2' })
    await hedged()
    gate.open()
    expect((await get).body).toBe('by blue')
    expect(await pair.metric('requests_rescued_total', 'how="hedge"')).toBe(0)
    await nothingInFlight()
    expect((await pair.view()).upstreams.map(({ lastOutcome }) => lastOutcome?.what ?? null)).toEqual([
      'answered 200',
      null,
    ])
  })

  test.each([
    ['breaks the connection', reset],
    ['answers with an error', whole(503, 'busy')],
  ])('the second one does no harm when it %s', async (_, answer) => {
    const gate = await silent()
    pair.green.serve = () => answer
    const get = pair.ask({ target: '/items/2' })
    await hedged()
    await pair.until(({ upstreams }) => upstreams[1]?.inFlight === 0, 'the second attempt to be over')
    gate.open()
    expect((await get).body).toBe('by blue')
  })

  test('the second one goes on when the first one fails', async () => {
    await silent()
    const green = new Gate()
    const blue = new Gate()
    pair.blue.serve = () => ({ bytes: '', before: blue.opened, after: 'reset' })
    pair.green.serve = () => ({ ...whole(200, 'by green'), before: green.opened })
    const get = pair.ask({ target: '/items/2' })
    await hedged()
    blue.open()
    await pair.until(({ upstreams }) => upstreams[0]?.inFlight === 0, 'the first attempt to be over')
    green.open()
    expect((await get).body).toBe('by green')
  })

  test('there is no second one while the standby has no connection free, and nobody waits for one', async () => {
    const gate = await silent({}, { maxConnections: { green: 1 } })
    pair.green.serve = () => null
    const gets = [pair.ask({ target: '/items/2' }), pair.ask({ target: '/items/3' })]
    await hedged()
    // Several looks at what is overdue.
    await passed(100)
    expect(pair.green.arrived).toHaveLength(1)
    expect((await pair.view()).held).toBe(0)
    gate.open()
    expect((await Promise.all(gets)).map(({ body }) => body)).toEqual(['by blue', 'by blue'])
  })

  test('a POST never has a second one', async () => {
    const gate = await silent()
    const post = pair.ask({ method: 'POST', target: '/items/2', body: 'one tea' })
    await suspected()
    // A GET that is hedged shows that its turn has come and gone.
    expect((await pair.ask({ target: '/items/3' })).body).toBe('by green')
    gate.open()
    expect((await post).body).toBe('by blue')
    expect(pair.green.arrived.map(({ method }) => method)).toEqual(['GET'])
  })
})
