// Two workers of one pool on a simulated clock: what either hears and doubts is known to both, without a message.
import { beforeEach, describe, expect, it } from 'vitest'
import { OwnAllowance } from '../../../src/core/allowance.ts'
import type { ProbeResult } from '../../../src/core/health.ts'
import { type Clock, ms } from '../../../src/core/time.ts'
import type { UpstreamLedger } from '../../../src/runtime/ledger.ts'
import { WATCH_EVERY, WatchTimer } from '../../../src/runtime/watch-timer.ts'
import { Desk } from '../../../src/workers/report-desk.ts'
import { sharedCells } from '../../../src/workers/shared-cells.ts'
import { SharedDoubt } from '../../../src/workers/shared-doubt.ts'
import { SharedHearing, sharedMoments } from '../../../src/workers/shared-hearing.ts'
import { WorkerPool } from '../../../src/workers/worker-pool.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { blue, green, SimulatedPool } from '../../support/simulated-pool.ts'
import { Wait } from '../../support/wait.ts'

const SUSPECT_AFTER = 150
const HANG_AFTER = 400
const ANSWERED: ProbeResult = { verdict: 'pass', failure: null, detail: '200', latency: ms(1) }
const UNANSWERED: ProbeResult = { verdict: 'fail', failure: 'timeout', detail: 'no answer', latency: ms(250) }

let clock: FakeClock
let one: WorkerPool
/** False: it stands still, and its watch with it. */
let oneRuns: boolean
let other: WorkerPool
let convicted: string[]
let settled: string[]

beforeEach(() => {
  clock = new FakeClock()
  oneRuns = true
  convicted = []
  settled = []
  const doubts = sharedCells(2)
  const moments = new Map([blue, green].map((id) => [id, sharedMoments(2)]))
  const news = newsOf(SimulatedPool.running())
  const start = (name: string, thread: number, runs: () => boolean): WorkerPool =>
    new WorkerPool({
      name: 'shop',
      news,
      surveillance: {
        evidence: { gatewayErrors: 5, successRate: 0.5 },
        hang: { hangAfter: HANG_AFTER, widen: false },
        gray: false,
      },
      hold: { requests: 100, bytes: 1_000, time: 30_000 },
      room: { requests: new OwnAllowance(100), bytes: new OwnAllowance(1_000) },
      doubts: new SharedDoubt(doubts, thread),
      hearings: new Map([...moments].map(([id, own]) => [id, new SharedHearing(own, thread)])),
      clock,
      watchTimer: new WatchTimer(halting(runs)),
      control: {
        probeNow: () => {},
        convicted: (_pool, upstream) => convicted.push(`${upstream} by ${name}`),
        doubtSettled: () => settled.push(name),
        trialWorse: () => {},
      },
      desk: new Desk({ clock, atEndOfTurn: (sender) => sender.flush(), send: () => {} }),
    })
  one = start('one', 0, () => oneRuns)
  other = start('other', 1, () => true)
})

/** Time goes on, but what was to be done every so often is not. */
const halting = (runs: () => boolean): Clock => ({
  now: () => clock.now(),
  after: (delay, task) => clock.after(delay, task),
  every: (interval, task) => clock.every(interval, () => runs() && task()),
  afterPendingIo: (task) => clock.afterPendingIo(task),
})

function newsOf(shop: SimulatedPool) {
  const { state, route } = shop.pool
  shop.stop()
  return { state, route }
}

const both = () => [one, other]
const doubts = () => both().map((pool) => pool.doubtAt(clock.now()))
const ledger = (pool: WorkerPool): UpstreamLedger => pool.ledger(blue)

function hearEvery(interval: number, pool: WorkerPool, time: number): void {
  for (let passed = 0; passed < time; passed += interval) {
    clock.advance(interval)
    ledger(pool).heard(clock.now())
  }
}

/** All are told of a probe; nobody answers it. */
function probe(): void {
  for (const pool of both()) pool.probeStarted(blue, clock.now())
}

/** A standby that answers probes while the active does not: what a conviction takes. */
function passControl(): void {
  for (const pool of both()) {
    pool.probeStarted(green, clock.now())
    pool.probeEnded(green, ANSWERED, clock.now())
  }
}

function send(pool: WorkerPool): Wait {
  const wait = new Wait()
  ledger(pool).attemptStarted()
  ledger(pool).awaitAnswer(wait, { method: 'GET', target: '/items' }, clock.now())
  return wait
}

describe('an upstream that speaks to one worker', () => {
  it('is not suspected by another whose probe and requests stay without an answer', () => {
    probe()
    send(other)
    for (let round = 0; round < 10; round++) {
      hearEvery(10, one, HANG_AFTER / 4)
      passControl()
      expect(doubts()).toEqual(['none', 'none'])
    }
    expect(other.counters.suspicions).toBe(0)
    expect(convicted).toEqual([])
  })

  it('is doubted no more by the other, two looks later at most', () => {
    probe()
    clock.advance(SUSPECT_AFTER + WATCH_EVERY)
    expect(doubts()).toEqual(['suspect', 'suspect'])
    ledger(one).heard(clock.now())
    clock.advance(2 * WATCH_EVERY)
    expect(doubts()).toEqual(['none', 'none'])
    expect(both().map(({ counters }) => counters.refuted)).toEqual([1, 1])
    expect(settled).toEqual(['one', 'other'])
  })

  it('is suspected by both once it is silent to both, and convicted by both', () => {
    probe()
    hearEvery(10, one, 200)
    send(one)
    clock.advance(SUSPECT_AFTER + 3 * WATCH_EVERY)
    expect(doubts()).toEqual(['suspect', 'suspect'])
    for (let asked = 0; asked < 10; asked++) {
      passControl()
      clock.advance(50)
    }
    expect(new Set(convicted)).toEqual(new Set(['blue by one', 'blue by other']))
  })

  it('is suspected by the other all the same, where it spoke before the silence and that is told late', () => {
    clock.advance(1)
    ledger(one).heard(clock.now())
    oneRuns = false
    clock.advance(1)
    probe()
    clock.advance(SUSPECT_AFTER + WATCH_EVERY)
    oneRuns = true
    clock.advance(2 * WATCH_EVERY)
    expect(other.doubtAt(clock.now())).toBe('suspect')
    expect(other.counters.refuted).toBe(0)
  })

  it('stays suspected when nothing is due any more, until it speaks', () => {
    ledger(one).heard(clock.now())
    clock.advance(WATCH_EVERY)
    ledger(other).heard(clock.now())
    const sentAt = clock.now()
    probe()
    clock.advance(SUSPECT_AFTER + WATCH_EVERY)
    for (const pool of both()) pool.probeEnded(blue, UNANSWERED, sentAt)
    clock.advance(2 * WATCH_EVERY)
    expect(doubts()).toEqual(['suspect', 'suspect'])
    ledger(one).heard(clock.now())
    clock.advance(2 * WATCH_EVERY)
    expect(doubts()).toEqual(['none', 'none'])
  })
})

describe('a standstill of one worker', () => {
  it('is no byte to the other', () => {
    probe()
    clock.advance(SUSPECT_AFTER + WATCH_EVERY)
    expect(doubts()).toEqual(['suspect', 'suspect'])
    oneRuns = false
    clock.advance(HANG_AFTER)
    oneRuns = true
    clock.advance(2 * WATCH_EVERY)
    // It has forgotten what it thought, and when it last heard anything.
    expect(both().map(({ counters }) => counters.refuted)).toEqual([0, 0])
    expect(settled).toEqual(['one'])
    expect(doubts()).toEqual(['suspect', 'suspect'])
  })
})

describe('a worker whose requests are usually answered at once', () => {
  beforeEach(() => {
    for (let answer = 0; answer < 300; answer++) {
      const wait = send(one)
      clock.advance(1)
      ledger(one).heard(clock.now())
      ledger(one).answerCame(wait, clock.now())
    }
    send(one)
  })

  it('hesitates over a silence that is unusual for it', () => {
    clock.advance(3 * WATCH_EVERY - 1)
    expect(doubts()).toEqual(['hesitant', 'hesitant'])
  })

  it('does not where the upstream speaks to another worker, of which its last look told nothing yet', () => {
    hearEvery(1, other, 3 * WATCH_EVERY - 1)
    expect(doubts()).toEqual(['none', 'none'])
  })
})
