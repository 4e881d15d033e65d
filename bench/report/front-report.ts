// The results of one way in, one table for each unit: rate, CPU time for each unit, and how ours compares in that.
import type { Unit } from '../fronts/front-bench.ts'
import type { FrontRound, WorkloadResult } from '../fronts/measure.ts'
import { figure, summary } from './figures.ts'
import type { FrontResults } from './results.ts'
import { median } from './statistics.ts'
import { NOTHING, renderTable, type TableFormat, withoutEmpty } from './table.ts'

const OURS = 'understudy'

type Scale = { readonly title: string; readonly factor: number; readonly digits: number }

const perUnit = (unit: Unit): { readonly rate: Scale; readonly cost: Scale } =>
  unit === 'GiB'
    ? { rate: { title: 'MiB/s', factor: 1_024, digits: 0 }, cost: { title: 'CPU s/GiB', factor: 1, digits: 2 } }
    : {
        rate: { title: `${unit}s/s`, factor: 1, digits: 0 },
        cost: { title: `CPU µs/${unit}`, factor: 1e6, digits: 1 },
      }

type Rounds = readonly FrontRound[]
type Column = { readonly title: string; readonly cell: (rounds: Rounds, ours: Rounds | null) => string }

const summarized = (
  rounds: Rounds,
  pick: (round: FrontRound) => number | null,
  { factor, digits }: Omit<Scale, 'title'>,
): string => {
  const values = rounds.map(pick).filter((value) => value !== null)
  return values.length === 0
    ? NOTHING
    : summary(
        values.map((value) => value * factor),
        digits,
      )
}

const cpuOf = ({ cpuSeconds, amount }: FrontRound): number | null => (cpuSeconds === null ? null : cpuSeconds / amount)

const medianCpu = (rounds: Rounds): number | null => {
  const values = rounds.map(cpuOf).filter((value) => value !== null)
  return values.length === 0 ? null : median(values)
}

const ratioCell: Column['cell'] = (rounds, ours) => {
  if (ours === null || ours === rounds) return NOTHING
  const [mine, its] = [medianCpu(ours), medianCpu(rounds)]
  return mine === null || its === null || its === 0 ? NOTHING : figure(mine / its, 2)
}

const columns = (unit: Unit): readonly Column[] => {
  const { rate, cost } = perUnit(unit)
  const milliseconds = { factor: 1, digits: 2 }
  return [
    { title: rate.title, cell: (rounds) => summarized(rounds, ({ amount, seconds }) => amount / seconds, rate) },
    { title: cost.title, cell: (rounds) => summarized(rounds, cpuOf, cost) },
    { title: `${OURS} ÷ it`, cell: ratioCell },
    {
      title: 'core %',
      cell: (rounds) =>
        summarized(rounds, ({ cpuSeconds, seconds }) => (cpuSeconds === null ? null : cpuSeconds / seconds), {
          factor: 100,
          digits: 0,
        }),
    },
    { title: 'p50 ms', cell: (rounds) => summarized(rounds, ({ p50Ms }) => p50Ms, milliseconds) },
    { title: 'p99 ms', cell: (rounds) => summarized(rounds, ({ p99Ms }) => p99Ms, milliseconds) },
    { title: 'errors', cell: (rounds) => summarized(rounds, ({ errors }) => errors, { factor: 1, digits: 0 }) },
  ]
}

const rowsOf = ({ name, results }: WorkloadResult, shown: readonly Column[]): string[][] => {
  const ours = results.find(({ contender }) => contender === OURS)?.rounds ?? null
  return results.map(({ contender, rounds }) => [name, contender, ...shown.map(({ cell }) => cell(rounds, ours))])
}

const table = (unit: Unit, workloads: readonly WorkloadResult[], format: TableFormat): string => {
  const shown = columns(unit)
  const rows = workloads.flatMap((workload) => rowsOf(workload, shown))
  return renderTable(withoutEmpty({ head: ['load', 'contender', ...shown.map(({ title }) => title)], rows }), format)
}

const firstLine = (text: string): string => text.split('\n')[0] ?? ''

export const reportFront = (results: FrontResults, format: TableFormat): string => {
  const { workloads, kind, rounds, seconds } = results
  const units = [...new Set(workloads.map(({ unit }) => unit))]
  const setting = `${kind}: ${rounds} interleaved round(s) of ${seconds} s, median (lowest–highest); contenders alone on one core, origin and load on the other`
  const bullet = format === 'markdown' ? '- ' : '  '
  return [
    setting,
    '',
    ...workloads.map(({ name, summary: what }) => `${bullet}${name}: ${what}`),
    ...units.flatMap((unit) => {
      const measured = workloads.filter((workload) => workload.unit === unit)
      return measured.some(({ results: some }) => some.length > 0) ? ['', table(unit, measured, format)] : []
    }),
    ...workloads.flatMap(({ failures }) =>
      failures.map(({ contender, why }) => `\ncould not run: ${contender}: ${firstLine(why)}`),
    ),
  ].join('\n')
}
