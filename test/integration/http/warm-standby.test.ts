// Connections to the fallback that are open before anybody needs them.
import { afterEach, expect, test } from 'vitest'
import { upstreamId } from '../../../src/core/upstream.ts'
import { reset } from './support/answers.ts'
import { Pair } from './support/pair.ts'
import { passed, until } from './support/until.ts'

let pair: Pair
afterEach(() => pair.stop())

/** That the standby has taken, for requests; probes have connections of their own. */
const connections = (): number =>
  pair.proxy.understudy.pools.get('shop')?.ledger(upstreamId('green')).counters.connects ?? 0

const untilWarm = () =>
  until(async () => (connections() > 0 ? true : undefined), {
    what: 'a connection to the standby',
    milliseconds: 5_000,
  })

test('while the active is in use, and what it fails goes over one of them', async () => {
  pair = await Pair.start()
  await pair.ask()
  await untilWarm()
  const before = new Set(pair.green.upstream.connections)
  pair.blue.serve = () => reset
  expect((await pair.ask()).body).toBe('by green')
  const used = [...pair.green.upstream.connections].find(({ requests }) =>
    requests.some(({ target }) => target === '/'),
  )
  expect(used && before.has(used)).toBe(true)
})

test('not with a single writer: nothing but probes may reach the one that stands by', async () => {
  pair = await Pair.start({ pool: { kind: 'singleWriter' } })
  await pair.ask()
  await passed(2_500)
  expect(connections()).toBe(0)
})
