// The promise of the product, with real processes and an open loop of 300 requests/s, 20 % of them POST: whatever happens
// to the primary, no GET fails, and no POST is executed twice or acknowledged in vain. For one way in at a time.
import { beforeAll, describe, expect, test } from 'vitest'
import type { Verdict } from '../../../bench/load/verdict.ts'
import { runTrial, type Trial, type TrialOptions } from '../../../bench/trial.ts'

export type WayIn = Pick<TrialOptions, 'contender' | 'front'> & {
  readonly name: string
  /** Besides the one without a fault. All, when not given, or when UNDERSTUDY_E2E is `all`. */
  readonly scenarios?: readonly string[]
}

/**
 * Slow requests are shorter than in the bench, so that a trial does not last two seconds longer than its load. With this
 * seed two POSTs of 40 ms are under way at the moment of the fault.
 */
const SHAPE = { seconds: 3, faultAfterMs: 1_300, slowMs: 600, seed: 30 } as const
/** Later than this, the generator was starved of processor time, and so was everybody else: no timing means anything. */
const PUNCTUAL = 20
/** What a failover may add to the longest gap between two good answers. */
const ADDED = 30
/** A trial whose gap was too long is repeated, this often in all. What has to hold always is judged in every one. */
const TRIALS = 3

function summary(name: string, verdict: Verdict): string {
  const { requests, failedGet, failedPost, unexcusedFailedPost, duplicatePost, longestGapMs, generatorLateMs } = verdict
  const { p50, p99 } = verdict.latency
  return (
    `${name.padEnd(18)} ${requests} requests, failed GET ${failedGet}, failed POST ${failedPost} ` +
    `(${unexcusedFailedPost} unexcused), POST twice ${duplicatePost}, gap ${longestGapMs.toFixed(1)} ms, ` +
    `p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} ms, generator late ${generatorLateMs.toFixed(1)} ms`
  )
}

function expectHarmless(verdict: Verdict): void {
  expect(verdict.failuresByError.protocol ?? 0).toBe(0)
  expect(verdict).toMatchObject({ wrongAnswers: 0, duplicatePost: 0, acknowledgedNotExecuted: 0 })
}

/**
 * Runs the scenario, and again where its gap was too long: a timing says something about the proxy only when the machine
 * was idle enough, so one trial in time is what counts, and none is asked for where the load itself came late.
 */
async function runInTime(quiet: Verdict, run: () => Promise<Trial>, judge: (trial: Trial) => void): Promise<void> {
  const allowed = quiet.longestGapMs + ADDED
  for (let count = 1; ; count++) {
    const trial = await run()
    const { verdict, scenario } = trial
    console.log(summary(scenario, verdict))
    expectHarmless(verdict)
    judge(trial)
    const late = Math.max(verdict.generatorLateMs, quiet.generatorLateMs) > PUNCTUAL
    if (late) console.log(`${scenario}: the gap is not judged, the load came late`)
    if (late || verdict.longestGapMs <= allowed) return
    if (count === TRIALS) expect(verdict.longestGapMs).toBeLessThanOrEqual(allowed)
  }
}

export function describeSwitchover({ name: wayIn, scenarios, ...how }: WayIn): void {
  const chosen = process.env.UNDERSTUDY_E2E === 'all' ? undefined : scenarios
  /** Shown as skipped where it is left out. */
  const testOf = (scenario: string) => test.skipIf(chosen !== undefined && !chosen.includes(scenario))
  const run = (scenario: string): Promise<Trial> => runTrial({ ...SHAPE, ...how, scenario })

  describe(wayIn, () => {
    let quiet: Verdict
    beforeAll(async () => {
      if (chosen) console.log(`${wayIn}: without a fault, ${chosen.join(', ')}; all with UNDERSTUDY_E2E=all`)
      quiet = (await run('no-fault')).verdict
      console.log(summary('no-fault', quiet))
    }, 20_000)

    test('nothing happens: nothing fails', () => {
      expectHarmless(quiet)
      expect(quiet).toMatchObject({ failedGet: 0, failedPost: 0, ok: quiet.requests - quiet.keepaliveRaces })
    })

    describe('the primary fails', () => {
      for (const [scenario, what] of [
        ['killed', 'is killed'],
        ['port-closed', 'closes its port'],
        ['accept-and-close', 'accepts connections and closes them'],
        ['503-to-all', 'answers 503 to everything'],
      ] as const) {
        const title = `${scenario}: it ${what}, and nobody notices but the POSTs it had already taken`
        testOf(scenario)(title, async () => {
          await runInTime(
            quiet,
            () => run(scenario),
            ({ verdict, rows, faultAt }) => {
              expect(verdict).toMatchObject({ failedGet: 0, unexcusedFailedPost: 0 })
              const after = rows.filter((row) => row.error === null && row.start > faultAt + 500)
              expect(new Set(after.map(({ origin }) => origin))).toEqual(new Set(['standby']))
            },
          )
        })
      }

      testOf('graceful-stop')('graceful-stop: it says goodbye, and nobody notices at all', async () => {
        await runInTime(
          quiet,
          () => run('graceful-stop'),
          ({ verdict }) => {
            expect(verdict).toMatchObject({ failedGet: 0, unexcusedFailedPost: 0 })
          },
        )
      })
    })

    describe('an operator moves the traffic', () => {
      const title = 'planned-switchover: to the standby and back, and no request of any method fails'
      testOf('planned-switchover')(title, async () => {
        await runInTime(quiet, () => run('planned-switchover'), expectMovedAndBack)
      })
    })
  })
}

function expectMovedAndBack({ verdict, rows, faultDoneAt, recoveryAt, recoveryDoneAt }: Trial): void {
  expect(verdict).toMatchObject({ failedGet: 0, failedPost: 0, executedButFailed: 0 })
  if (recoveryAt === null || recoveryDoneAt === null) throw new Error('nobody has switched back')
  // A request under way while the command was may have been given either way.
  const between = rows.filter((row) => row.start > faultDoneAt && row.start < recoveryAt)
  const after = rows.filter((row) => row.start > recoveryDoneAt)
  const originsOf = (some: typeof rows) =>
    new Set(some.filter(({ error }) => error === null).map(({ origin }) => origin))
  expect([originsOf(between), originsOf(after)]).toEqual([new Set(['standby']), new Set(['primary'])])
  expect(after.length).toBeGreaterThan(50)
}
