/** `docs/detection-quality.md` shows the results that are kept beside the simulator, of all that there is to simulate. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { full, plan } from './jobs.ts'
import { quantile, withTables } from './report.ts'
import { PAGE, readResults } from './simulate.ts'

const results = readResults()

test('the page shows the results, as they are', () => {
  const page = readFileSync(PAGE, 'utf8')
  expect(withTables(page, results)).toBe(page)
})

test('they are of every case, at every rate', () => {
  const places = ({ kind, index, rate }: { kind: string; index: number; rate: number }) => `${kind} ${index} ${rate}`
  expect(results.map(({ job }) => places(job))).toEqual(plan(full(30)).map(places))
})

test('nobody was switched for nothing', () => {
  for (const { restraint } of results) expect(restraint?.failovers.count ?? 0).toBe(0)
})

test('a stopped upstream was noticed in 99 of 100 cases within 500 ms under load, and within 900 ms when idle', () => {
  const stopped = results.flatMap(({ fault }) => (fault?.name.startsWith('stopped') ? [fault] : []))
  expect(stopped.map(({ rate }) => rate)).toContain(0)
  for (const { rate, trials } of stopped) {
    const times = trials.map(({ detected }) => detected ?? Number.POSITIVE_INFINITY)
    expect(quantile(times, 0.99)).toBeLessThanOrEqual(rate >= 100 ? 500 : 900)
  }
})
