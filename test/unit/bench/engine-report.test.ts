// Results of one way in as tables.
import { expect, it } from 'vitest'
import type { EngineRound, WorkloadResult } from '../../../bench/engine/measure.ts'
import { report } from '../../../bench/report/report.ts'
import type { EngineResults } from '../../../bench/report/results.ts'

const round = (given: Partial<EngineRound>): EngineRound => ({
  amount: 1,
  seconds: 1,
  p50Ms: null,
  p99Ms: null,
  errors: 0,
  cpuSeconds: null,
  ...given,
})

const requests = (contender: string, ...cpuMicros: number[]) => ({
  contender,
  rounds: cpuMicros.map((micros, i) =>
    round({ amount: 20_000, seconds: 2 + i, cpuSeconds: (micros * 20_000) / 1e6, p50Ms: 1.5 }),
  ),
})

const keepAlive: WorkloadResult = {
  name: 'keep-alive',
  summary: 'connections that stay',
  unit: 'request',
  results: [requests('understudy', 30, 45, 60), requests('haproxy', 20, 30, 40), requests('nginx', 50, 50, 50)],
  failures: [],
}

const resultsOf = (...workloads: WorkloadResult[]): EngineResults => ({
  kind: 'tls',
  date: '2026-01-01T00:00:00.000Z',
  machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux', node: '26', commit: null },
  versions: { understudy: '1', haproxy: '2', nginx: '3' },
  skipped: [],
  seconds: 2,
  rounds: 3,
  configurations: {},
  workloads,
})

const cells = (results: EngineResults, contender: string): Record<string, string> => {
  const rows = report(results, 'markdown')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const head = rows[0] ?? []
  const row = rows.find((each) => each.includes(contender)) ?? []
  return Object.fromEntries(head.map((title, i) => [title, row[i] ?? '']))
}

it('gives rate and CPU time for each request as median with the lowest and the highest', () => {
  expect(cells(resultsOf(keepAlive), 'understudy')).toMatchObject({
    'requests/s': '6667 (5000–10000)',
    'CPU µs/request': '45.0 (30.0–60.0)',
    'core %': '30',
    'p50 ms': '1.50',
    errors: '0',
  })
})

it('compares the CPU time of ours with that of each peer, by their medians', () => {
  const results = resultsOf(keepAlive)
  expect(cells(results, 'haproxy')['understudy ÷ it']).toBe('1.50')
  expect(cells(results, 'nginx')['understudy ÷ it']).toBe('0.90')
  expect(cells(results, 'understudy')['understudy ÷ it']).toBe('–')
})

it('leaves out columns without figures, as the comparison where ours did not run', () => {
  const without = { ...keepAlive, results: keepAlive.results.slice(1) }
  const head = Object.keys(cells(resultsOf(without), 'haproxy'))
  expect(head).toContain('p50 ms')
  expect(head).not.toContain('p99 ms')
  expect(head).not.toContain('understudy ÷ it')
})

it('has bytes in MiB/s and seconds for each GiB, and none for what runs without a proxy', () => {
  const sink: WorkloadResult = {
    name: 'sink',
    summary: 'bytes',
    unit: 'GiB',
    results: [
      { contender: 'direct', rounds: [round({ amount: 4, seconds: 2 })] },
      { contender: 'haproxy', rounds: [round({ amount: 1, seconds: 2, cpuSeconds: 0.75 })] },
    ],
    failures: [],
  }
  expect(cells(resultsOf(sink), 'direct')).toMatchObject({ 'MiB/s': '2048', 'CPU s/GiB': '–' })
  expect(cells(resultsOf(sink), 'haproxy')).toMatchObject({ 'MiB/s': '512', 'CPU s/GiB': '0.75' })
})

it('has a table for each unit', () => {
  const handshakes: WorkloadResult = { ...keepAlive, name: 'full', unit: 'handshake' }
  const text = report(resultsOf(keepAlive, handshakes), 'text')
  expect(text).toContain('CPU µs/request')
  expect(text).toContain('CPU µs/handshake')
})

it('names who could not carry a load, and who was left out altogether', () => {
  const failed = { ...keepAlive, failures: [{ contender: 'understudy', why: 'keep-alive: no answer\nlog' }] }
  const skipped = [{ contender: 'nginx', why: 'did not start: its log' }]
  const text = report({ ...resultsOf(failed), skipped }, 'text')
  expect(text).toContain('could not run: understudy: keep-alive: no answer\n')
  expect(text).toContain('skipped: nginx (did not start: its log)')
})
