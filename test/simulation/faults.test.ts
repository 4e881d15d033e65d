/** What must be detected, and how soon; more trials of each by `npm run simulate`. */
import { expect, test } from 'vitest'
import { faultCases } from './faults.ts'
import { plan, QUICK, runJob } from './jobs.ts'

/** Too few requests for a rule that counts them: what is said of it in `docs/detection-quality.md`. */
const TOO_FEW: Readonly<Record<string, number>> = { '500s': 20, slow: 20 }
/** ms. */
const WITHIN: Readonly<Record<string, (rate: number) => number>> = {
  slow: () => 3_000,
  '500s': () => 500,
  truncates: (rate) => (rate >= 100 ? 500 : 5_000),
}
const promised = (rate: number): number => (rate >= 100 ? 500 : 900)

const jobs = plan(QUICK)
  .filter(({ kind }) => kind === 'fault')
  .map((job) => ({ job, rate: job.rate, ...faultCases[job.index]! }))
  .filter(({ fault, rate }) => rate > (TOO_FEW[fault] ?? -1))

test.each(jobs)('noticed in time at $rate requests/s: $name', async ({ job, fault, rate }) => {
  const { fault: result } = await runJob(job)
  const times = (result?.trials ?? []).map(({ detected }) => detected ?? Number.POSITIVE_INFINITY)
  expect(times).toHaveLength(QUICK.trials)
  expect(Math.max(...times)).toBeLessThanOrEqual((WITHIN[fault] ?? promised)(rate))
})

test('unsafe requests are held, and safe ones go to the standby, long before the verdict on a stopped upstream', async () => {
  const stopped = jobs.find(({ fault, rate }) => fault === 'stopped' && rate === 1_000)!
  const { fault } = await runJob(stopped.job)
  for (const { rescued } of fault!.trials) expect(rescued).toBeLessThan(100)
})
