// Fault trials as a table, as goals met or not, as charts, and in several files.
import { describe, expect, it } from 'vitest'
import { faultCharts } from '../../../bench/report/fault-charts.ts'
import { goalTable } from '../../../bench/report/goals.ts'
import { mergeResults } from '../../../bench/report/merge.ts'
import { report } from '../../../bench/report/report.ts'
import type { FaultResults, FaultTrial, RecordedVerdict } from '../../../bench/report/results.ts'
import type { Goal } from '../../../bench/scenarios/goal.ts'

const verdict = (figures: Partial<RecordedVerdict>): RecordedVerdict => ({
  requests: 2_400,
  ok: 2_400,
  failedGet: 0,
  failedPost: 0,
  tolerated: 0,
  unexcusedFailedPost: 0,
  duplicatePost: 0,
  duplicateGet: 0,
  acknowledgedNotExecuted: 0,
  executedButFailed: 0,
  wrongAnswers: 0,
  keepaliveRaces: 0,
  longestGapMs: 15,
  standbyAfterMs: 20,
  switches: 1,
  switchesSeen: 1,
  switchedAfterMs: 12,
  recoveredAfterMs: null,
  worstGetMs: 40,
  latency: { p50: 1.5, p99: 8, max: 40 },
  failuresByError: {},
  generatorLateMs: 3,
  ...figures,
})

type Figures = Partial<RecordedVerdict>

const trial = (scenario: string, contender: string, seed: number, figures: Figures = {}): FaultTrial => ({
  scenario,
  contender,
  seed,
  verdict: verdict(figures),
})

const GOALS: Readonly<Record<string, Goal>> = {
  'no-fault': { failedGet: 0, failedPost: 0, switches: { least: 0, most: 0 } },
  stopped: { failedGet: 0, failedPost: 12, gapMs: 250 },
}

const resultsOf = (trials: readonly FaultTrial[], more: Partial<FaultResults> = {}): FaultResults => ({
  kind: 'gauntlet',
  date: '2026-01-01T00:00:00.000Z',
  machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux', node: '26', commit: 'abc' },
  versions: { understudy: '1', haproxy: '2' },
  skipped: [],
  load: { rate: 300, seconds: 8, seed: 1, postShare: 0.2, slowShare: 0.02, slowMs: 2_000, downloadShare: 0 },
  seeds: [1, 2],
  scenarios: [...new Set(trials.map(({ scenario }) => scenario))].map((name) => ({
    name,
    summary: name,
    ...(GOALS[name] ? { goal: GOALS[name] } : {}),
  })),
  configurations: {},
  trials,
  ...more,
})

const QUIET = { switches: 0, switchedAfterMs: null, standbyAfterMs: null }

const cells = (results: FaultResults, ...names: string[]): Record<string, string> => {
  const rows = report(results, 'markdown')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const row = rows.find((each) => names.every((name) => each.includes(name))) ?? []
  return Object.fromEntries((rows[0] ?? []).map((title, i) => [title, row[i] ?? '']))
}

describe('the table', () => {
  const results = resultsOf([
    trial('no-fault', 'understudy', 1, QUIET),
    trial('stopped', 'understudy', 1, { failedPost: 4, longestGapMs: 200, switchedAfterMs: null, switches: 0 }),
    trial('stopped', 'understudy', 2, { failedPost: 8, longestGapMs: 240 }),
    { scenario: 'stopped', contender: 'haproxy', seed: 1, error: 'exited\nand more' },
  ])

  it('sums trials up, and says in how many of them a thing has happened', () => {
    expect(cells(results, 'stopped', 'understudy')).toMatchObject({
      'failed POST': '6 (4–8)',
      'gap ms': '220 (200–240)',
      'switched ms': '12 in 1 of 2',
    })
  })

  it('has no column for what never happened', () => {
    expect(report(results, 'text')).not.toContain('back ms')
  })

  it('names what could not run, with the reason’s first line', () => {
    expect(cells(results, 'stopped', 'haproxy')['failed GET']).toBe('could not run')
    expect(report(results, 'text')).toContain('could not run: stopped / haproxy / seed 1: exited\n')
  })

  it('names scenarios that were skipped, and trials on a busy machine', () => {
    const text = report(
      resultsOf([trial('stopped', 'understudy', 1, { generatorLateMs: 55 })], {
        skippedScenarios: [{ scenario: 'blackholed', why: 'needs root' }],
      }),
      'text',
    )
    expect(text).toContain('skipped: blackholed: needs root')
    expect(text).toContain('busy machine: stopped / understudy / seed 1 was sent 55 ms late')
  })

  it('can be made of files without the later figures', () => {
    const { switches, switchesSeen, switchedAfterMs, recoveredAfterMs, worstGetMs, tolerated, ...old } = verdict({})
    const older = resultsOf([{ scenario: 'killed', contender: 'understudy', seed: 1, verdict: old }])
    expect(cells(older, 'killed')).toMatchObject({ 'failed GET': '0', 'gap ms': '15' })
    expect(report(older, 'text')).not.toContain('switches')
  })
})

describe('a goal', () => {
  const judged = (...trials: FaultTrial[]) => goalTable(resultsOf(trials)).rows.at(-1)

  it('is met when every trial has met it', () => {
    expect(judged(trial('stopped', 'understudy', 1, { failedPost: 12, longestGapMs: 250 }))).toEqual([
      'stopped',
      '0 GET, POST ≤ 12, gap ≤ 250 ms',
      'met',
      '1 of 1',
      '–',
    ])
  })

  it('is not met when one has not, and the worst of each figure is told', () => {
    const row = judged(
      trial('stopped', 'understudy', 1),
      trial('stopped', 'understudy', 2, { failedPost: 13, unexcusedFailedPost: 4, longestGapMs: 300 }),
      trial('stopped', 'understudy', 3, { longestGapMs: 443 }),
    )
    expect(row?.slice(2)).toEqual(['not met', '1 of 3', 'POST 13 (4 unexcused), gap 443 ms'])
  })

  it.each([
    ['duplicatePost', 'POST twice 1'],
    ['acknowledgedNotExecuted', 'lost acks 1'],
    ['wrongAnswers', 'wrong 1'],
  ])('is never met with %s', (figure, told) => {
    expect(judged(trial('stopped', 'understudy', 1, { [figure]: 1 }))?.slice(2)).toEqual(['not met', '0 of 1', told])
  })

  it('of no switch is missed by one', () => {
    expect(judged(trial('no-fault', 'understudy', 1))?.slice(1)).toEqual([
      '0 GET, 0 POST, no switch',
      'not met',
      '0 of 1',
      '1 switch(es)',
    ])
  })

  it('is missed by a trial that could not run, and by what never happened', () => {
    const failed = { scenario: 'stopped', contender: 'understudy', seed: 1, error: 'exited' }
    expect(judged(failed)?.slice(2)).toEqual(['not met', '0 of 1', 'could not run'])
    const late = resultsOf([trial('stopped', 'understudy', 1, { switchedAfterMs: null })], {
      scenarios: [{ name: 'stopped', summary: '', goal: { switchedAfterMs: 2_500 } }],
    })
    expect(goalTable(late).rows[0]?.slice(1)).toEqual(['switched ≤ 2500 ms', 'not met', '0 of 1', 'switched never'])
  })

  it('may be the gap beyond that of our own trials without a fault', () => {
    const planned = (gap: number) =>
      resultsOf(
        [
          trial('no-fault', 'understudy', 1, { ...QUIET, longestGapMs: 20 }),
          trial('planned', 'understudy', 1, { longestGapMs: gap }),
        ],
        {
          scenarios: [
            { name: 'no-fault', summary: '', goal: GOALS['no-fault'] ?? {} },
            { name: 'planned', summary: '', goal: { gapOverQuietMs: 15 } },
          ],
        },
      )
    expect(goalTable(planned(35)).rows[1]?.slice(1, 3)).toEqual(['gap ≤ no-fault + 15 ms', 'met'])
    expect(goalTable(planned(36)).rows[1]?.slice(2)).toEqual(['not met', '0 of 1', 'gap 36 ms'])
  })

  it('is not asked of others', () => {
    expect(judged(trial('stopped', 'haproxy', 1))).toBeUndefined()
  })
})

describe('several files', () => {
  const first = resultsOf([trial('stopped', 'understudy', 1, { failedPost: 9 })], {
    skipped: [{ contender: 'haproxy', why: 'not installed' }],
    versions: { understudy: '1' },
    seeds: [1],
    configurations: { understudy: 'ours' },
  })
  const second = resultsOf([trial('stopped', 'understudy', 1, { failedPost: 2 }), trial('killed', 'haproxy', 2)], {
    date: '2026-01-02T00:00:00.000Z',
    machine: { ...first.machine, commit: 'def' },
    versions: { haproxy: '2' },
    seeds: [1, 2],
    configurations: { haproxy: 'its' },
  })

  it('are one, in which a repeated trial counts as it was last', () => {
    const merged = mergeResults([first, second]) as FaultResults
    expect(merged).toMatchObject({
      date: second.date,
      machine: { commit: 'abc, def' },
      versions: { understudy: '1', haproxy: '2' },
      skipped: [],
      seeds: [1, 2],
      configurations: { understudy: 'ours', haproxy: 'its' },
    })
    expect(merged.scenarios.map(({ name }) => name)).toEqual(['stopped', 'killed'])
    expect(merged.trials.map(({ scenario, verdict: seen }) => [scenario, seen?.failedPost])).toEqual([
      ['stopped', 2],
      ['killed', 0],
    ])
  })

  it('are refused when they do not compare', () => {
    const elsewhere = { ...second, machine: { ...second.machine, cores: 8 } }
    const heavier = { ...second, load: { ...second.load, rate: 600 } }
    const newer = { ...second, versions: { understudy: '2' } }
    const short = { ...second, kind: 'switchover' as const }
    expect(() => mergeResults([first, elsewhere])).toThrow('do not compare')
    expect(() => mergeResults([first, heavier])).toThrow('do not compare')
    expect(() => mergeResults([first, newer])).toThrow('several versions of understudy: 1, 2')
    expect(() => mergeResults([first, short])).toThrow('of one kind')
  })
})

describe('the charts', () => {
  const charts = faultCharts(
    resultsOf([
      trial('stopped', 'understudy', 1, { failedPost: 1, failedGet: 1, longestGapMs: 9 }),
      trial('stopped', 'haproxy', 1, { failedPost: 90, failedGet: 9, longestGapMs: 999 }),
      trial('a <b> & "c"', 'understudy', 1, { longestGapMs: 0 }),
    ]),
  )
  const failed = charts['gauntlet-failed.svg'] ?? ''
  const widths = (svg: string) =>
    [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)" height="12"/g)].map(([, w]) => Number(w))

  it('are one of failures and one of gaps', () => {
    expect(Object.keys(charts)).toEqual(['gauntlet-failed.svg', 'gauntlet-gap.svg'])
    expect(failed).toContain('<title>stopped, haproxy: 99 requests</title>')
    expect(charts['gauntlet-gap.svg']).toContain('<title>stopped, haproxy: 999 ms</title>')
  })

  it('have bars on a log scale, and none for nothing', () => {
    // log(1 + 2) to log(1 + 99), and a scenario without failures.
    const [ours = 0, its = 0, ...rest] = widths(failed)
    expect(rest).toEqual([])
    expect(ours / its).toBeCloseTo(Math.log10(3) / 2, 2)
  })

  it('say where nobody was measured', () => expect(failed).toContain('>–</text>'))

  it('follow the reader’s light or dark setting', () => expect(failed).toContain('prefers-color-scheme: dark'))

  it('are well-formed whatever names say', () => {
    expect(failed).toContain('a &lt;b&gt; &amp; &quot;c&quot;')
    expect(failed).not.toContain('<b>')
  })
})
