// All kinds of load in one table of CPU time for each unit, and what ours was to reach: what the bench's README shows. Pure.
import type { Unit } from '../engine/engine-bench.ts'
import type { EngineGoal } from '../engine/goals.ts'
import type { WorkloadResult } from '../engine/measure.ts'
import type { BarMatrix } from './bar-matrix.ts'
import { figureOf, type GoalVerdict, judgeGoal, medianOf, OURS, picks } from './engine-figures.ts'
import { figure } from './figures.ts'
import type { EngineResults } from './results.ts'
import { NOTHING, renderTable, type TableFormat } from './table.ts'

/** Those who are measured for ours alone have no place beside peers. */
const isCompared = ({ kind }: EngineResults): boolean => kind !== 'growth' && kind !== 'memory'

const contendersIn = (all: readonly EngineResults[]): string[] => [
  ...new Set(
    all.flatMap(({ workloads }) =>
      workloads.flatMap(({ results }) =>
        results.filter(({ rounds }) => medianOf(rounds, picks.cpu) !== null).map(({ contender }) => contender),
      ),
    ),
  ),
]

const costUnit = (unit: Unit): string => (unit === 'GiB' ? 'ms/GiB' : `µs/${unit}`)
const costFactor = (unit: Unit): number => (unit === 'GiB' ? 1e3 : 1e6)

const cpuCell = (workload: WorkloadResult, contender: string): string => {
  const cpu = figureOf([workload], { load: workload.name, contender, measure: 'cpu' })
  return cpu === null ? NOTHING : figure(cpu * costFactor(workload.unit), 1)
}

const costTable = (all: readonly EngineResults[], format: TableFormat): string => {
  const compared = all.filter(isCompared)
  const contenders = contendersIn(compared)
  const rows = compared.flatMap(({ kind, workloads }) =>
    workloads.map((workload) => [
      `${kind}: ${workload.name}`,
      costUnit(workload.unit),
      ...contenders.map((contender) => cpuCell(workload, contender)),
    ]),
  )
  return renderTable({ head: ['load', 'CPU', ...contenders], rows }, format)
}

const SAY: Readonly<Record<EngineGoal['measure'], string>> = {
  cpu: 'CPU',
  rate: 'rate',
  p50: 'p50',
  p99: 'p99',
  memory: 'memory for each client, KiB',
  peak: 'memory, MiB',
}

const boundOf = ({ atMost, atLeast, atMostMore, beside, besideLoad, measure }: EngineGoal): string => {
  const other = besideLoad ? ` × that of ${besideLoad}` : beside ? ` × ${beside}` : ''
  if (atMostMore !== undefined) return `${SAY[measure]} ≤ ${beside ?? ''} + ${atMostMore} ms`
  const bound = atLeast === undefined ? `≤ ${round(atMost ?? 0)}` : `≥ ${round(atLeast)}`
  return `${SAY[measure]} ${bound}${other}`
}

const round = (value: number): string => String(Math.round(value * 1_000) / 1_000)

const goalRow = ({ kind, workloads }: EngineResults, goal: EngineGoal): string[] => {
  const verdict: GoalVerdict | null = judgeGoal(workloads, goal)
  const load = `${kind}: ${goal.load}${goal.of === undefined ? '' : `, ${goal.of}`}`
  if (!verdict) return [load, boundOf(goal), NOTHING, 'not measured']
  const digits = goal.atMostMore === undefined ? 2 : 3
  return [load, boundOf(goal), figure(verdict.reached, digits), verdict.met ? 'met' : '**missed**']
}

const goalTable = (all: readonly EngineResults[], format: TableFormat): string => {
  const rows = all.flatMap((results) => (results.goals ?? []).map((goal) => goalRow(results, goal)))
  return renderTable({ head: ['load', 'goal', 'reached', ''], rows }, format)
}

export const summarizeEngine = (all: readonly EngineResults[], format: TableFormat): string =>
  [costTable(all, format), '', goalTable(all, format)].join('\n')

export const engineChart = (all: readonly EngineResults[]): BarMatrix => {
  const compared = all.filter(isCompared)
  const columns = contendersIn(compared)
  const [first] = all
  return {
    title: 'CPU time for each request, connection, handshake or GiB',
    subtitle: `µs (GiB: ms), median, log scale, shorter is better; one core each; ${first?.machine.cpu ?? ''}, ${first?.machine.cores ?? 0} cores`,
    columns,
    ours: OURS,
    rows: compared.flatMap(({ kind, workloads }) =>
      workloads.map((workload) => ({
        name: `${kind}: ${workload.name}`,
        bars: columns.map((contender) => {
          const label = cpuCell(workload, contender)
          return label === NOTHING
            ? null
            : {
                value: Number(label),
                label,
                hint: `${workload.name}, ${contender}: ${label} ${costUnit(workload.unit)}`,
              }
        }),
      })),
    ),
  }
}
