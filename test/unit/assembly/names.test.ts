import { expect, it } from 'vitest'
import { Names } from '../../../src/assembly/names.ts'
import type { UpstreamConfig } from '../../../src/config/schema.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { turns } from '../../support/signal.ts'
import { accepted, pair } from '../config/support.ts'

const upstreamsAt = (...urls: string[]): readonly UpstreamConfig[] =>
  accepted(pair('protocol: http', urls)).pools.p?.upstreams ?? []

function names() {
  const clock = new FakeClock()
  const asked: string[] = []
  const all = new Names({
    clock,
    log: { info: () => {}, warn: () => {} },
    lookupOf: (resolve) => async (host) => {
      asked.push(`${host} ${resolve}`)
      return { addresses: ['10.0.0.7'], freshFor: 10_000 }
    },
  })
  return { all, asked, clock }
}

it('a name is looked up once for all upstreams that have it, and each way of looking up by itself', async () => {
  const { all, asked, clock } = names()
  const upstreams = upstreamsAt('http://app:1', 'http://app:2', 'http://db:1', 'http://app:3, resolve: ttl')
  const [addresses, ...others] = upstreams.map((upstream) => all.addressesOf(upstream))
  expect(others.map((other) => other === addresses)).toEqual([true, false, false])
  all.start()
  await turns()
  expect(asked).toEqual(['app 10000', 'db 10000', 'app ttl'])
  expect(addresses?.order).toEqual(['10.0.0.7'])
  all.stop()
  clock.assertIdle()
})

it('addresses and unix sockets are known, and nothing is looked up', async () => {
  const { all, asked, clock } = names()
  const upstreams = upstreamsAt('http://10.0.0.1', '"http://[::1]:80"', 'unix:/run/app.sock')
  const known = upstreams.map((upstream) => all.addressesOf(upstream).order)
  expect(known).toEqual([['10.0.0.1'], ['::1'], ['/run/app.sock']])
  all.start()
  await turns()
  expect(asked).toEqual([])
  clock.assertIdle()
})
