/** What a notice carries of the evidence behind it. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Notice } from '../../../src/core/events.ts'
import type { Sighting } from '../../../src/core/grounds.ts'
import { ms } from '../../../src/core/time.ts'
import { GroundsKeeper } from '../../../src/runtime/grounds.ts'
import { Recent } from '../../../src/runtime/recent.ts'
import { blue, green, operator, SimulatedPool } from '../../support/simulated-pool.ts'

let simulated: SimulatedPool
afterEach(() => simulated.stop())

function begin(): void {
  simulated = new SimulatedPool()
  simulated.start()
  simulated.clock.advance(2_000)
}

const only = (type: Notice['type']): Notice => {
  const [notice, ...more] = simulated.said(type)
  expect(more).toEqual([])
  if (!notice) throw new Error(`nobody said ${type}`)
  return notice
}
const seen = (notice: Notice, id = blue): Sighting | undefined =>
  notice.evidence?.upstreams.find(({ upstream }) => upstream === id)

describe('the evidence of a notice', () => {
  it('has the probes that were refused and the ones that the standby answered', () => {
    begin()
    simulated.blue = 'refuses'
    simulated.until(() => simulated.active === green)
    const failover = only('failover')
    expect(failover.evidence?.rule).toBe('crash')
    expect(seen(failover)?.probes.slice(-2)).toMatchObject([
      { verdict: 'fail', detail: 'connection refused' },
      { verdict: 'fail', detail: 'connection refused' },
    ])
    expect(seen(failover, green)?.probes.every(({ verdict }) => verdict === 'pass')).toBe(true)
    expect(only('ejected').evidence?.upstreams).toHaveLength(2)
  })

  it('has the probes that nobody had answered yet, and how long', () => {
    begin()
    simulated.blue = 'stopped'
    const ledger = simulated.send(blue)
    simulated.until(() => simulated.active === green)
    const unanswered = seen(only('failover'))?.probes.filter(({ verdict }) => verdict === 'unanswered') ?? []
    expect(unanswered.length).toBeGreaterThan(0)
    const longest = Math.max(...unanswered.map(({ latency }) => latency))
    expect(longest).toBeGreaterThan(100)
    expect(seen(only('failover'))?.inFlight).toBe(1)
    ledger.attemptEnded()
  })

  it('has failed attempts with their route, and none that succeeded', () => {
    begin()
    for (let count = 0; count < 30; count++) simulated.answer(simulated.send(blue), 200)
    for (const route of ['GET /a', 'GET /b']) {
      simulated.pool.ledger(blue).attemptAnswered(503, route, simulated.clock.now(), 12)
    }
    simulated.connectFails(blue)
    simulated.blue = 'refuses'
    simulated.until(() => simulated.active === green)
    expect(seen(only('failover'))?.failedAttempts).toMatchObject([
      { routeClass: 'GET /a', what: 'answered 503', latency: 12 },
      { routeClass: 'GET /b', what: 'answered 503', latency: 12 },
      { routeClass: 'GET /', what: 'connection refused (connecting)', latency: null },
    ])
  })

  it('is left out of notices that need none', () => {
    begin()
    simulated.pool.command({ name: 'switchover', to: green }, operator)
    for (const notice of [...simulated.said('switchover'), ...simulated.said('upstream-fit')]) {
      expect(notice).not.toHaveProperty('evidence')
    }
  })
})

describe('the figures', () => {
  const notice = (change: Partial<Notice>): Notice => ({
    type: 'ejected',
    at: ms(5),
    pool: 'shop',
    epoch: simulated.pool.state.epoch,
    text: '',
    ...change,
  })
  const conviction = { rule: 'hang', detail: '', figures: { silenceMs: 405 } } as const

  it('are those of the conviction that the notice is about', () => {
    begin()
    const keeper = new GroundsKeeper(new Map([[blue, simulated.pool.ledger(blue)]]))
    keeper.convicted(blue, conviction)
    const figures = (change: Partial<Notice>) => keeper.attach(notice(change), ms(5)).evidence?.figures
    expect(figures({ upstream: blue, rule: 'hang' })).toEqual({ silenceMs: 405 })
    expect(figures({ type: 'failover', from: blue, to: green, rule: 'hang' })).toEqual({ silenceMs: 405 })
    expect(figures({ upstream: blue, rule: 'crash' })).toEqual({})
    expect(figures({ upstream: green, rule: 'hang' })).toEqual({})
    expect(figures({ type: 'unavailable', from: null })).toEqual({})
    keeper.convicted(blue, { rule: 'hang', detail: '' })
    expect(figures({ upstream: blue, rule: 'hang' })).toEqual({})
  })
})

describe('what is kept of an upstream', () => {
  it('is bounded: the last ten probes and the last ten failed attempts', () => {
    begin()
    const recent = new Recent()
    for (let at = 0; at < 25; at++) {
      recent.probeSent(ms(at))
      recent.probeEnded(ms(at), { verdict: 'pass', failure: null, detail: `probe ${at}`, latency: ms(1) })
      recent.attemptFailed({ at: ms(at), routeClass: 'GET /', what: `attempt ${at}`, latency: null })
    }
    for (let at = 100; at < 130; at++) recent.probeSent(ms(at))
    expect(recent.failedAttempts().map(({ what }) => what)).toEqual(
      Array.from({ length: 10 }, (_, index) => `attempt ${15 + index}`),
    )
    expect(recent.probes(ms(130))).toHaveLength(10)
    expect(recent.probes(ms(130)).at(-1)).toEqual({
      at: 129,
      verdict: 'unanswered',
      detail: 'no answer yet',
      latency: 1,
    })
  })
})
