// What ours was to reach, beside what it reached; and the summary that the README shows.
import { expect, it } from 'vitest'
import type { EngineGoal } from '../../../bench/engine/goals.ts'
import type { EngineRound, WorkloadResult } from '../../../bench/engine/measure.ts'
import { judgeGoal } from '../../../bench/report/engine-figures.ts'
import { engineChart, summarizeEngine } from '../../../bench/report/engine-summary.ts'
import type { EngineResults } from '../../../bench/report/results.ts'

const round = (micros: number | null, more: Partial<EngineRound> = {}): EngineRound => ({
  amount: 1_000,
  seconds: 1,
  p50Ms: 0.1,
  p99Ms: 1,
  errors: 0,
  cpuSeconds: micros === null ? null : micros / 1_000,
  ...more,
})

const load = (name: string, figures: Record<string, readonly EngineRound[]>): WorkloadResult => ({
  name,
  summary: name,
  unit: 'request',
  results: Object.entries(figures).map(([contender, rounds]) => ({ contender, rounds })),
  failures: [],
})

const GET = load('GET', {
  direct: [round(null)],
  understudy: [round(30), round(20), round(90)],
  haproxy: [round(20), round(25), round(22)],
})

const judged = (goal: Omit<EngineGoal, 'load'>, workloads = [GET]) => judgeGoal(workloads, { load: 'GET', ...goal })

it('compares medians', () => {
  expect(judged({ measure: 'cpu', beside: 'haproxy', atMost: 1.4 })).toMatchObject({ reached: 30 / 22, met: true })
  expect(judged({ measure: 'cpu', beside: 'haproxy', atMost: 1.3 })).toMatchObject({ met: false })
  expect(judged({ measure: 'rate', beside: 'haproxy', atLeast: 1 })).toMatchObject({ reached: 1, met: true })
})

it('can be a difference, a comparison with another load, or a figure alone', () => {
  const slow = load('slow', { understudy: [round(60, { p50Ms: 0.13 })], haproxy: [round(20)] })
  expect(judgeGoal([slow], { load: 'slow', measure: 'p50', beside: 'haproxy', atMostMore: 0.02 })).toMatchObject({
    met: false,
  })
  const beside = { load: 'slow', measure: 'cpu', besideLoad: 'GET', atMost: 2 } as const
  expect(judgeGoal([GET, slow], beside)).toMatchObject({ reached: 2, met: true })
  const idle = load('idle', { understudy: [round(1, { memoryMiB: { before: 10, peak: 20 } })] })
  expect(judgeGoal([idle], { load: 'idle', measure: 'memory', atMost: 10 })).toMatchObject({
    reached: 10.24,
    met: false,
  })
})

it('is not judged where a figure is missing: that is no success', () => {
  expect(judged({ measure: 'cpu', beside: 'nginx', atMost: 9 })).toBeNull()
  expect(judged({ measure: 'cpu', of: 'understudy-9', atMost: 9 })).toBeNull()
})

const resultsOf = (...goals: EngineGoal[]): EngineResults => ({
  kind: 'throughput',
  date: '2026-01-01T00:00:00.000Z',
  machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux', node: '26', commit: null },
  versions: {},
  skipped: [],
  seconds: 1,
  rounds: 3,
  configurations: {},
  workloads: [GET],
  goals,
})

const goal = (atMost: number, beside = 'haproxy'): EngineGoal => ({ load: 'GET', measure: 'cpu', beside, atMost })

it('has a column for each contender, and says which goals were met', () => {
  const lines = summarizeEngine([resultsOf(goal(2), goal(1), goal(1, 'nginx'))], 'markdown').split('\n')
  const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()))
  expect(cells[0]?.slice(1, -1)).toEqual(['load', 'CPU', 'understudy', 'haproxy'])
  expect(cells[2]?.slice(1, -1)).toEqual(['throughput: GET', 'µs/request', '30.0', '22.0'])
  expect(cells.slice(-3).map((row) => row.slice(2, -1))).toEqual([
    ['CPU ≤ 2 × haproxy', '1.36', 'met'],
    ['CPU ≤ 1 × haproxy', '1.36', '**missed**'],
    ['CPU ≤ 1 × nginx', '–', 'not measured'],
  ])
})

it('has bars of the same figures', () => {
  const { columns, rows } = engineChart([resultsOf()])
  expect(columns).toEqual(['understudy', 'haproxy'])
  expect(rows.map(({ name, bars }) => [name, ...bars.map((bar) => bar?.value)])).toEqual([['throughput: GET', 30, 22]])
})
