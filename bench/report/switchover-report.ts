// The switchover results as a table: one line a scenario and contender, trials summed up as median and range.
import type { Verdict } from '../load/verdict.ts'
import { figure, summary } from './figures.ts'
import type { FaultResults } from './results.ts'
import { renderTable, type TableFormat } from './table.ts'

type Column = { readonly title: string; readonly cell: (verdicts: readonly Verdict[]) => string }

const counted =
  (pick: (verdict: Verdict) => number): Column['cell'] =>
  (verdicts) =>
    summary(verdicts.map(pick), 0)

const timed = counted

const standbyCell: Column['cell'] = (verdicts) => {
  const times = verdicts.map((verdict) => verdict.standbyAfterMs).filter((time) => time !== null)
  if (times.length === 0) return '–'
  const cell = summary(times, 0)
  return times.length === verdicts.length ? cell : `${cell} in ${times.length} of ${verdicts.length}`
}

const columns: readonly Column[] = [
  { title: 'failed GET', cell: counted((verdict) => verdict.failedGet) },
  { title: 'failed POST', cell: counted((verdict) => verdict.failedPost) },
  { title: 'POST twice', cell: counted((verdict) => verdict.duplicatePost) },
  { title: 'lost acks', cell: counted((verdict) => verdict.acknowledgedNotExecuted) },
  { title: 'wrong', cell: counted((verdict) => verdict.wrongAnswers) },
  { title: 'races', cell: counted((verdict) => verdict.keepaliveRaces) },
  { title: 'gap ms', cell: timed((verdict) => verdict.longestGapMs) },
  { title: 'standby ms', cell: standbyCell },
  {
    title: 'p50 ms',
    cell: (verdicts) =>
      summary(
        verdicts.map((verdict) => verdict.latency.p50),
        1,
      ),
  },
  { title: 'p99 ms', cell: timed((verdict) => verdict.latency.p99) },
  { title: 'max ms', cell: timed((verdict) => verdict.latency.max) },
]

const row = (results: FaultResults, scenario: string, contender: string): string[] | null => {
  const trials = results.trials.filter((trial) => trial.scenario === scenario && trial.contender === contender)
  if (trials.length === 0) return null
  const verdicts = trials.map((trial) => trial.verdict).filter((verdict) => verdict !== undefined)
  if (verdicts.length === 0) return [scenario, contender, 'could not run']
  return [scenario, contender, ...columns.map((column) => column.cell(verdicts))]
}

const failures = (results: FaultResults): string[] =>
  results.trials
    .filter((trial) => trial.error !== undefined)
    .map((trial) => `could not run: ${trial.scenario} / ${trial.contender}: ${trial.error?.split('\n')[0]}`)

// Beyond this the load generator itself was held up, and the gap and latencies are the machine's, not the proxy's.
const BUSY_MACHINE_MS = 20

const busyTrials = (results: FaultResults): string[] =>
  results.trials.flatMap(({ scenario, contender, seed, verdict }) =>
    verdict && verdict.generatorLateMs > BUSY_MACHINE_MS
      ? [
          `busy machine: ${scenario} / ${contender} / seed ${seed} was sent ${figure(verdict.generatorLateMs, 0)} ms late`,
        ]
      : [],
  )

export const reportSwitchover = (results: FaultResults, format: TableFormat): string => {
  const names = Object.keys(results.versions)
  const rows = results.scenarios
    .flatMap(({ name }) => names.map((contender) => row(results, name, contender)))
    .filter((cells) => cells !== null)
  const table = renderTable({ head: ['scenario', 'contender', ...columns.map(({ title }) => title)], rows }, format)
  const { rate, seconds, postShare, slowShare, slowMs } = results.load
  const load = `${rate} requests/s open loop for ${seconds} s, ${postShare * 100} % POST, ${slowShare * 100} % honest ${slowMs} ms requests; ${results.seeds.length} trial(s)`
  return [load, '', table, ...failures(results), ...busyTrials(results)].join('\n')
}
