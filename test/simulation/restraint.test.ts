/** What must not make it switch, for a simulated hour; for 30 days by `npm run simulate`. */
import { expect, test } from 'vitest'
import { plan, QUICK, runJob } from './jobs.ts'
import { restraintCases } from './restraint.ts'

const jobs = plan(QUICK)
  .filter(({ kind }) => kind === 'restraint')
  .map((job) => ({ job, rate: job.rate, name: restraintCases[job.index]!.name }))

test.each(jobs)('nobody is convicted at $rate requests/s: $name', async ({ job, rate }) => {
  const { restraint } = await runJob(job)
  expect(restraint?.convictions).toEqual([])
  expect(restraint?.failovers.count).toBe(0)
  // It has been there at all.
  if (rate > 0) expect(restraint?.requests).toBeGreaterThan((restraint!.time / 1_000) * rate * 0.02)
})

test('the same seed gives the same days, request for request', async () => {
  const paused = jobs.find(({ name, rate }) => name.startsWith('pauses') && rate === 20)!
  const [first, second] = [await runJob(paused.job), await runJob(paused.job)]
  expect(first).toEqual(second)
  expect(first.restraint?.suspicions.count).toBeGreaterThan(100)
})
