import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeHealth, ProbeResult } from '../../../src/core/health.ts'
import { type Millis, ms } from '../../../src/core/time.ts'
import { newUpstream, type Upstream, type UpstreamId } from '../../../src/core/upstream.ts'
import type { Probe } from '../../../src/probe/probe.ts'
import { type ProbedPool, Prober } from '../../../src/probe/prober.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { at } from '../../support/place.ts'
import { blue, green } from '../../support/simulated-pool.ts'

type Running = { id: UpstreamId; at: Millis; end(result?: Partial<ProbeResult>): void; cancelled: boolean }

const PASS: ProbeResult = { verdict: 'pass', failure: null, detail: '200 in 1 ms', latency: ms(1) }

/** What a pool makes of results is a test's own choice here. */
class ScriptedPool implements ProbedPool {
  state: { upstreams: Upstream[] }
  readonly started: [UpstreamId, Millis][] = []
  readonly results: [UpstreamId, ProbeResult, Millis][] = []

  constructor(now: Millis) {
    this.state = { upstreams: [newUpstream(blue, 'primary', 0, now), newUpstream(green, 'standby', 1, now)] }
    for (const id of [blue, green]) this.health(id, { status: 'healthy', last: 'pass', passedAt: now })
  }

  change(id: UpstreamId, change: Partial<Upstream>): void {
    const upstreams = this.state.upstreams.map((each) => (each.id === id ? { ...each, ...change } : each))
    this.state = { upstreams }
  }

  health(id: UpstreamId, health: Partial<ProbeHealth>): void {
    const found = this.state.upstreams.find((each) => each.id === id)
    if (found) this.change(id, { health: { ...found.health, ...health } })
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    this.started.push([id, at])
  }

  probed(id: UpstreamId, result: ProbeResult, sentAt: Millis): void {
    this.results.push([id, result, sentAt])
  }
}

let clock: FakeClock
let pool: ScriptedPool
let probes: Running[]
let random: number
let prober: Prober
/** Probes end at once unless a test holds them. */
let answering: boolean

const of = (id: UpstreamId) => probes.filter((probe) => probe.id === id)
const sentAt = (id: UpstreamId) => of(id).map(({ at }) => at - start)
let start: number

beforeEach(() => {
  clock = new FakeClock()
  start = clock.now()
  pool = new ScriptedPool(clock.now())
  probes = []
  random = 0
  answering = true
  const probe: Probe = ({ id }, { timeout }, done) => {
    expect(timeout).toBe(250)
    const running: Running = { id, at: clock.now(), cancelled: false, end: (result) => done({ ...PASS, ...result }) }
    probes.push(running)
    const cancelTimer = answering ? clock.after(1, () => running.end()) : () => {}
    return () => {
      running.cancelled = true
      cancelTimer()
    }
  }
  const targets = [blue, green].map((id) => ({ id, ...at(80, id), tls: null }))
  prober = new Prober({ targets, probe, interval: 500, timeout: 250, clock, random: () => random }, pool)
})

afterEach(() => {
  prober.stop()
  clock.assertIdle()
})

describe('the schedule', () => {
  it('begins with a probe of every upstream at once and goes on at the interval', () => {
    prober.start()
    clock.advance(1_600)
    expect(sentAt(blue)).toEqual([0, 500, 1_000, 1_500])
    expect(sentAt(green)).toEqual([0, 500, 1_000, 1_500])
  })

  it.each([
    [0, [0, 500, 1_000]],
    [1, [0, 400, 800]],
  ])('comes up to a fifth of the interval early, never late (random %d)', (value, expected) => {
    random = value
    prober.start()
    clock.advance(1_000)
    expect(sentAt(blue)).toEqual(expected)
  })

  it('tells the pool when a probe begins and how it ended', () => {
    prober.start()
    clock.advance(1)
    expect(pool.started).toEqual([
      [blue, start],
      [green, start],
    ])
    expect(pool.results).toEqual([
      [blue, PASS, start],
      [green, PASS, start],
    ])
  })

  it.each<[string, () => void]>([
    ['it is unhealthy', () => pool.health(blue, { status: 'unhealthy', last: 'fail' })],
    ['nothing is known of it yet', () => pool.health(blue, { status: 'unknown', last: null })],
    ['its last probe disagrees with its status', () => pool.health(blue, { last: 'fail' })],
    ['it has not answered often enough to be healthy again', () => pool.health(blue, { status: 'unhealthy' })],
    [
      'it is ejected',
      () =>
        pool.change(blue, {
          ejection: { rule: 'crash', detail: '', since: ms(start), until: ms(start + 10_000), strikes: 1 },
        }),
    ],
    [
      'it has not proven itself since it was ejected',
      () =>
        pool.change(blue, { ejection: { rule: 'crash', detail: '', since: ms(start), until: ms(start), strikes: 1 } }),
    ],
  ])('is five times as quick for one upstream while %s', (_why, doubt) => {
    doubt()
    prober.start()
    clock.advance(400)
    expect(sentAt(blue)).toEqual([0, 100, 200, 300, 400])
    expect(sentAt(green)).toEqual([0])
  })

  it('is pulled forward by the result that raises the doubt', () => {
    prober.start()
    clock.advance(500)
    answering = false
    prober.probeNow(blue)
    clock.advance(10)
    pool.health(blue, { last: 'fail' })
    of(blue).at(-1)?.end({ verdict: 'fail' })
    answering = true
    clock.advance(100)
    expect(sentAt(blue)).toEqual([0, 500, 500, 610])
  })

  it('returns to the interval when the doubt is gone', () => {
    pool.health(blue, { status: 'unhealthy', last: 'fail' })
    prober.start()
    clock.advance(150)
    pool.health(blue, { status: 'healthy', last: 'pass' })
    clock.advance(1_000)
    expect(sentAt(blue)).toEqual([0, 100, 200, 700])
  })

  it('leaves disabled upstreams alone, looks at them soon after they are enabled, and goes on with draining ones', () => {
    pool.change(blue, { admin: { state: 'disabled', since: ms(start) } })
    pool.change(green, { admin: { state: 'draining', since: ms(start) } })
    prober.start()
    prober.probeNow(blue)
    clock.advance(1_000)
    expect(sentAt(blue)).toEqual([])
    expect(sentAt(green)).toEqual([0, 500, 1_000])
    pool.change(blue, { admin: { state: 'enabled', since: clock.now() } })
    clock.advance(100)
    expect(sentAt(blue)).toEqual([1_100])
  })
})

describe('a probe on demand', () => {
  it('opens another one even while others are under way, up to eight', () => {
    answering = false
    prober.start()
    for (let count = 0; count < 20; count++) prober.probeNow(blue)
    expect(of(blue)).toHaveLength(8)
    of(blue)[0]?.end()
    prober.probeNow(blue)
    expect(of(blue)).toHaveLength(9)
    expect(of(green)).toHaveLength(1)
  })

  it('does not move the regular ones', () => {
    prober.start()
    clock.advance(300)
    prober.probeNow(blue)
    clock.advance(300)
    expect(sentAt(blue)).toEqual([0, 300, 500])
  })

  it('is ignored for a stranger, and before the start', () => {
    prober.probeNow(blue)
    prober.start()
    prober.probeNow('red' as UpstreamId)
    expect(probes).toHaveLength(2)
  })
})

describe('stopping', () => {
  it('cancels every probe and every timer, and nothing is reported any more', () => {
    answering = false
    prober.start()
    prober.probeNow(blue)
    prober.stop()
    clock.assertIdle()
    expect(probes.every(({ cancelled }) => cancelled)).toBe(true)
    prober.probeNow(blue)
    clock.advance(10_000)
    expect(probes).toHaveLength(3)
    expect(pool.results).toEqual([])
  })

  it('may come from the very result that is being reported', () => {
    pool.probed = () => prober.stop()
    prober.start()
    clock.advance(1)
    clock.assertIdle()
  })
})
