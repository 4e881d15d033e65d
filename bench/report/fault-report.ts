// The results of fault trials as a table: one line a scenario and contender, trials summed up as median and range. Then how ours
// did against the goals.
import type { Goal } from '../scenarios/goal.ts'
import { figure, summary } from './figures.ts'
import { goalTable } from './goals.ts'
import type { FaultResults, RecordedVerdict } from './results.ts'
import { NOTHING, renderTable, type TableFormat, withoutEmpty } from './table.ts'

type Verdicts = readonly RecordedVerdict[]
type Column = { readonly title: string; readonly cell: (verdicts: Verdicts, goal: Goal | undefined) => string }

/** Trials without a figure, because what it measures did not happen, are counted. */
const figureOf =
  (pick: (verdict: RecordedVerdict) => number | null | undefined, digits = 0): Column['cell'] =>
  (verdicts) => {
    const values = verdicts.map(pick).filter((value) => typeof value === 'number')
    if (values.length === 0) return NOTHING
    const cell = summary(values, digits)
    return values.length === verdicts.length ? cell : `${cell} in ${values.length} of ${verdicts.length}`
  }

/** Only where the scenario is about it: a first good answer always follows a recovery, and mostly means nothing. */
const recovered: Column['cell'] = (verdicts, goal) =>
  goal?.recoveredAfterMs === undefined ? NOTHING : figureOf((verdict) => verdict.recoveredAfterMs)(verdicts, goal)

const columns: readonly Column[] = [
  { title: 'failed GET', cell: figureOf((verdict) => verdict.failedGet) },
  { title: 'failed POST', cell: figureOf((verdict) => verdict.failedPost) },
  { title: 'own errors', cell: figureOf((verdict) => verdict.tolerated) },
  { title: 'POST twice', cell: figureOf((verdict) => verdict.duplicatePost) },
  { title: 'lost acks', cell: figureOf((verdict) => verdict.acknowledgedNotExecuted) },
  { title: 'wrong', cell: figureOf((verdict) => verdict.wrongAnswers) },
  { title: 'races', cell: figureOf((verdict) => verdict.keepaliveRaces) },
  { title: 'gap ms', cell: figureOf((verdict) => verdict.longestGapMs) },
  { title: 'standby ms', cell: figureOf((verdict) => verdict.standbyAfterMs) },
  { title: 'switches', cell: figureOf((verdict) => verdict.switches) },
  { title: 'switched ms', cell: figureOf((verdict) => verdict.switchedAfterMs) },
  { title: 'back ms', cell: recovered },
  { title: 'worst GET ms', cell: figureOf((verdict) => verdict.worstGetMs) },
  { title: 'p50 ms', cell: figureOf((verdict) => verdict.latency.p50, 1) },
  { title: 'p99 ms', cell: figureOf((verdict) => verdict.latency.p99) },
]

const row = (results: FaultResults, { name, goal }: FaultResults['scenarios'][number], contender: string) => {
  const trials = results.trials.filter((trial) => trial.scenario === name && trial.contender === contender)
  if (trials.length === 0) return null
  const verdicts = trials.map((trial) => trial.verdict).filter((verdict) => verdict !== undefined)
  if (verdicts.length === 0) return [name, contender, 'could not run']
  return [name, contender, ...columns.map((column) => column.cell(verdicts, goal))]
}

const table = (results: FaultResults, format: TableFormat): string => {
  const names = Object.keys(results.versions)
  const rows = results.scenarios
    .flatMap((scenario) => names.map((contender) => row(results, scenario, contender)))
    .filter((cells) => cells !== null)
  const head = ['scenario', 'contender', ...columns.map(({ title }) => title)]
  return renderTable(withoutEmpty({ head, rows }), format)
}

const failures = (results: FaultResults): string[] => [
  ...results.trials
    .filter((trial) => trial.error !== undefined)
    .map(
      ({ scenario, contender, seed, error }) =>
        `could not run: ${scenario} / ${contender} / seed ${seed}: ${error?.split('\n')[0]}`,
    ),
  ...(results.skippedScenarios ?? []).map(({ scenario, why }) => `skipped: ${scenario}: ${why.split('\n')[0]}`),
]

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

const loadOf = (results: FaultResults): string => {
  const { rate, seconds, postShare, slowShare, slowMs } = results.load
  return `${rate} requests/s open loop for ${seconds} s, ${postShare * 100} % POST, ${slowShare * 100} % honest ${slowMs} ms requests; ${results.seeds.length} trial(s)`
}

export const reportFaults = (results: FaultResults, format: TableFormat): string => {
  const bullet = format === 'markdown' ? '- ' : ''
  const remarks = [...failures(results), ...busyTrials(results)].map((line) => `${bullet}${line}`)
  const goals = goalTable(results)
  return [
    loadOf(results),
    '',
    table(results, format),
    ...(remarks.length > 0 ? ['', ...remarks] : []),
    ...(goals.rows.length > 0 ? ['', renderTable(goals, format)] : []),
  ].join('\n')
}
