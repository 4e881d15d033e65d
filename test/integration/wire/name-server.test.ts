// `resolve: ttl`, by a real question to a real server of names.
import { promises as dns } from 'node:dns'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nameServerLookup } from '../../../src/wire/lookup.ts'
import { Resolver } from '../../../src/wire/resolver.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { NameServer } from '../../support/name-server.ts'
import { Signal } from '../../support/signal.ts'

let server: NameServer
let clock: FakeClock
let resolver: Resolver
let log: string[]
const signal = new Signal()

beforeEach(async () => {
  server = await NameServer.start()
  clock = new FakeClock()
  log = []
  const say = (text: string): void => {
    log.push(text)
    signal.notify()
  }
  const lookup = nameServerLookup(() => {
    const own = new dns.Resolver({ timeout: 1_000, tries: 1 })
    own.setServers([`127.0.0.1:${server.port}`])
    return own
  })
  resolver = new Resolver('app.internal.test', { lookup, clock, log: { info: say, warn: say } })
})

afterEach(async () => {
  resolver.stop()
  await server.stop()
})

const said = (count: number) => signal.until(() => log.length === count, `line ${count} of the log`)
const six = (last: number) => [0xfd, ...Array.from({ length: 14 }, () => 0), last]

test('a name follows its records as their TTL expires, and stays where it was while the server fails', async () => {
  server.records = [
    { data: [10, 0, 0, 1], ttl: 30 },
    { data: six(7), ttl: 60 },
  ]
  resolver.start()
  await said(1)
  expect(resolver.addresses.order).toEqual(['fd00::7', '10.0.0.1'])
  server.records = [{ data: [10, 0, 0, 2], ttl: 5 }]
  clock.advance(29_999)
  expect(clock.scheduled).toBe(1)
  clock.advance(1)
  await said(2)
  expect(resolver.addresses.order).toEqual(['10.0.0.2'])
  server.failing = true
  clock.advance(5_000)
  await said(3)
  expect(resolver.addresses.order).toEqual(['10.0.0.2'])
  expect(log[2]).toMatch(/^app\.internal\.test cannot be resolved: .*ESERVFAIL.*; still taken to be at 10\.0\.0\.2$/)
})
