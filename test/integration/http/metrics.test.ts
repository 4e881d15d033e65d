// The counters after a run whose every request is known. Rescued and lost are what operators judge the proxy by.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { reset, smallCut, whole } from './support/answers.ts'
import { Pair, requestText } from './support/pair.ts'

let pair: Pair
beforeEach(async () => {
  pair = await Pair.start({ pool: { replay: { body: '4KiB' }, hold: { time: '300ms' } } })
})
afterEach(() => pair.stop())

const rescued = (how: string) => pair.metric('requests_rescued_total', `how="${how}"`)
const lost = (why = '') => pair.metric('requests_lost_total', why === '' ? '' : `why="${why}"`)
const abandoned = (why: string) => pair.metric('replay_abandoned_total', `why="${why}"`)

test('a quiet run: everything answered, nothing rescued, nothing lost', async () => {
  for (const method of ['GET', 'POST', 'PUT']) await pair.ask({ method })
  expect(await pair.metric('requests_total', 'upstream="blue",code_class="2xx"')).toBe(3)
  expect([await rescued('replay'), await rescued('hold'), await lost()]).toEqual([0, 0, 0])
  expect(await pair.metric('request_duration_seconds_count', '')).toBe(3)
  expect(await pair.metric('in_flight', '')).toBe(0)
})

test('a request that was sent again with success is rescued once, and not lost', async () => {
  pair.blue.serve = () => reset
  await pair.ask()
  expect([await rescued('replay'), await lost()]).toEqual([1, 0])
  expect(await pair.metric('upstream_failures_total', 'upstream="blue",kind="reset"')).toBe(1)
})

test('each kind of loss is counted under its reason', async () => {
  pair.blue.serve = ({ target }) => (target === '/cut' ? smallCut : reset)
  await pair.ask({ method: 'POST', target: '/a' })
  await pair.ask({ method: 'PUT', target: '/cut' })
  await pair.ask({ method: 'PUT', target: '/b', body: 'x'.repeat(9_000) })
  expect([await lost('may-have-executed'), await lost('body-not-kept'), await lost()]).toEqual([2, 1, 3])
  expect([await abandoned('may-have-executed'), await abandoned('body-not-kept')]).toEqual([2, 1])
  expect(await rescued('replay')).toBe(0)
})

test('an answer of 503 to a POST is the upstream’s own: a replay was given up, but the proxy lost nothing', async () => {
  pair.blue.serve = () => whole(503, 'busy')
  await pair.ask({ method: 'POST' })
  expect([await abandoned('may-have-executed'), await lost()]).toEqual([1, 0])
  expect(await pair.metric('requests_total', 'upstream="blue",code_class="5xx"')).toBe(1)
})

test('an error of both upstreams after a replay is nobody’s rescue', async () => {
  pair.blue.serve = () => whole(503, 'busy')
  pair.green.serve = () => whole(503, 'busy')
  expect((await pair.ask()).status).toBe(503)
  expect(await abandoned('already-replayed')).toBe(1)
  expect([await rescued('replay'), await lost()]).toEqual([0, 0])
})

test('the keep-alive race saved by a fresh socket counts as a rescue', async () => {
  pair.blue.serve = (_, connection) => (connection.requests.length === 2 ? reset : whole(200, 'by blue'))
  await pair.ask()
  await pair.ask()
  expect([await rescued('replay'), await lost()]).toEqual([1, 0])
})

test('a client that leaves is neither lost nor rescued, and its request does not linger', async () => {
  pair.blue.serve = () => null
  const client = await pair.connect()
  await client.send(requestText({ method: 'POST' }))
  await pair.blue.untilArrived(1)
  client.reset()
  await pair.until((view) => view.upstreams.every(({ inFlight }) => inFlight === 0), 'the attempt to end')
  expect([await lost(), await rescued('replay')]).toEqual([0, 0])
  expect(await pair.metric('upstream_failures_total', '')).toBe(0)
})

test('a failover is counted by its rule, and a request that waited is rescued by hold', async () => {
  pair.blue.alwaysAnswer(reset)
  pair.green.alwaysAnswer(reset)
  await pair.until(({ phase }) => phase === 'unavailable', 'nobody to be active')
  expect((await pair.ask()).status).toBe(503)
  expect(await lost('no-upstream')).toBe(1)
  pair.green.recover()
  await pair.until(({ active }) => active === 'green', 'green to be active')
  expect((await pair.ask()).body).toBe('by green')
  expect(await pair.metric('held_requests', '')).toBe(0)
  expect(await pair.metric('active', 'upstream="green"')).toBe(1)
  expect(await pair.metric('epoch', '')).toBe((await pair.view()).epoch)
})

test('a crash under way is one failover for the reason crash', async () => {
  await pair.blue.upstream.stop()
  expect((await pair.ask()).body).toBe('by green')
  await pair.until(({ active }) => active === 'green', 'green to be active')
  expect(await pair.metric('failovers_total', 'reason="crash"')).toBe(1)
  expect(await pair.metric('last_failover_timestamp_seconds', '')).toBeGreaterThan(1_600_000_000)
})
