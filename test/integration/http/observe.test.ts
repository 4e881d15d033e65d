// A pool that only observes: what it would have done is on record, and its clients see the primary as it is.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { getJson } from './support/admin.ts'
import { whole } from './support/answers.ts'
import { Pair } from './support/pair.ts'

let pair: Pair
beforeEach(async () => {
  pair = await Pair.start({ pool: { failover: { mode: 'observe' }, failback: { after: '100ms' } } })
})
afterEach(() => pair.stop())

const told = async (type: string) => (await pair.events()).events.filter((event) => event.type === type)

test('errors reach the client, nothing reaches the standby, and the failover that was due is on record', async () => {
  pair.blue.serve = () => whole(503, 'busy')
  for (let count = 0; count < 12; count++) {
    expect(await pair.ask({ target: `/path${count % 3}` })).toMatchObject({ status: 503, body: 'busy' })
  }
  expect(pair.green.seen).toEqual([])
  expect(await told('would-failover')).toMatchObject([{ from: 'blue', to: 'green', rule: 'errors', epoch: 1 }])
  expect(await pair.metric('observed_failovers_total', 'reason="errors"')).toBe(1)
  expect(await pair.metric('failovers_total', '')).toBe(0)
  const view = await pair.view()
  expect(view).toMatchObject({ active: 'blue', epoch: 1 })
  expect(view.summary).toMatch(/It only observes: in automatic mode green would have been active for .*rule errors/)
  const explained = await getJson(pair.proxy.adminPort, '/pools/shop/explain')
  expect(explained).toMatchObject({ failover: 'observe', observed: { active: 'green' } })
})

test('a crash and the return from it are told, and an operator may act on it', async () => {
  await pair.blue.upstream.stop()
  await pair.until(({ summary }) => summary.includes('green would have been active'), 'the failover to be told')
  expect((await pair.ask()).status).toBe(502)
  await pair.command('failover')
  expect((await pair.ask()).body).toBe('by green')
  expect(await pair.view()).toMatchObject({ active: 'green', epoch: 2 })
  expect((await pair.view()).summary).toMatch(/It only observes\.$/)
})

test('it says so when it starts', async () => {
  expect((await told('started'))[0]?.text).toMatch(/it only observes, nothing will move by itself$/)
})
