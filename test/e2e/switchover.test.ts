// The promise of the product, with real processes and an open loop of 300 requests/s, 20 % of them POST: whatever happens
// to the primary, no GET fails, and no POST is executed twice or acknowledged in vain.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Verdict } from '../../bench/load/verdict.ts'
import { runTrial, type Trial } from '../../bench/trial.ts'

/**
 * Slow requests are shorter than in the bench, so that a trial does not last two seconds longer than its load. With this
 * seed two POSTs of 40 ms are under way at the moment of the fault.
 */
const SHAPE = { contender: 'understudy', seconds: 3, faultAfterMs: 1_300, slowMs: 600, seed: 30 } as const
/** Later than this, the generator was starved of processor time, and so was everybody else: no timing means anything. */
const PUNCTUAL = 20
/** What a failover may add to the longest gap between two good answers. */
const ADDED = 30

const run = (scenario: string): Promise<Trial> => runTrial({ ...SHAPE, scenario })

function summary(name: string, verdict: Verdict): string {
  const { requests, failedGet, failedPost, unexcusedFailedPost, duplicatePost, longestGapMs, generatorLateMs } = verdict
  const { p50, p99 } = verdict.latency
  return (
    `${name.padEnd(18)} ${requests} requests, failed GET ${failedGet}, failed POST ${failedPost} ` +
    `(${unexcusedFailedPost} unexcused), POST twice ${duplicatePost}, gap ${longestGapMs.toFixed(1)} ms, ` +
    `p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} ms, generator late ${generatorLateMs.toFixed(1)} ms`
  )
}

let quiet: Verdict
beforeAll(async () => {
  quiet = (await run('no-fault')).verdict
  console.log(summary('no-fault', quiet))
}, 20_000)

function expectHarmless(verdict: Verdict): void {
  expect(verdict.failuresByError.protocol ?? 0).toBe(0)
  expect(verdict).toMatchObject({ wrongAnswers: 0, duplicatePost: 0, acknowledgedNotExecuted: 0 })
}

/** A trial whose gap was too long is repeated, this often in all. What has to hold always is judged in every one. */
const TRIALS = 3

/**
 * Runs the scenario, and again where its gap was too long: a timing says something about the proxy only when the machine
 * was idle enough, so one trial in time is what counts, and none is asked for where the load itself came late.
 */
async function runInTime(name: string, judge: (trial: Trial) => void): Promise<void> {
  const allowed = quiet.longestGapMs + ADDED
  for (let count = 1; ; count++) {
    const trial = await run(name)
    const { verdict } = trial
    console.log(summary(name, verdict))
    expectHarmless(verdict)
    judge(trial)
    const late = Math.max(verdict.generatorLateMs, quiet.generatorLateMs) > PUNCTUAL
    if (late) console.log(`${name}: the gap is not judged, the load came late`)
    if (late || verdict.longestGapMs <= allowed) return
    if (count === TRIALS) expect(verdict.longestGapMs).toBeLessThanOrEqual(allowed)
  }
}

test('nothing happens: nothing fails', () => {
  expectHarmless(quiet)
  expect(quiet).toMatchObject({ failedGet: 0, failedPost: 0, ok: quiet.requests - quiet.keepaliveRaces })
})

describe('the primary fails', () => {
  test.each([
    ['killed', 'is killed'],
    ['port-closed', 'closes its port'],
    ['accept-and-close', 'accepts connections and closes them'],
    ['503-to-all', 'answers 503 to everything'],
  ])('%s: it %s, and nobody notices but the POSTs it had already taken', async (name) => {
    await runInTime(name, ({ verdict, rows, faultAt }) => {
      expect(verdict).toMatchObject({ failedGet: 0, unexcusedFailedPost: 0 })
      const after = rows.filter((row) => row.error === null && row.start > faultAt + 500)
      expect(new Set(after.map(({ origin }) => origin))).toEqual(new Set(['standby']))
    })
  })

  test('graceful-stop: it says goodbye, and nobody notices at all', async () => {
    await runInTime('graceful-stop', ({ verdict }) => {
      expect(verdict).toMatchObject({ failedGet: 0, unexcusedFailedPost: 0 })
    })
  })
})

describe('an operator moves the traffic', () => {
  test('planned-switchover: to the standby and back, and no request of any method fails', async () => {
    await runInTime('planned-switchover', ({ verdict, rows, faultAt, recoveryAt }) => {
      expect(verdict).toMatchObject({ failedGet: 0, failedPost: 0, executedButFailed: 0 })
      if (recoveryAt === null) throw new Error('nobody has switched back')
      // A request under way when the command came may have been given either way.
      const between = rows.filter((row) => row.start > faultAt + 100 && row.start < recoveryAt)
      const after = rows.filter((row) => row.start > recoveryAt + 100)
      const originsOf = (some: typeof rows) =>
        new Set(some.filter(({ error }) => error === null).map(({ origin }) => origin))
      expect([originsOf(between), originsOf(after)]).toEqual([new Set(['standby']), new Set(['primary'])])
      expect(after.length).toBeGreaterThan(50)
    })
  })
})
