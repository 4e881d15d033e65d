// The results of one kind of load, one table for each unit: rate, CPU time for each unit, and how ours compares in that.
import type { Unit } from '../engine/engine-bench.ts'
import type { EngineRound, WorkloadResult } from '../engine/measure.ts'
import { medianOf, memoryPerUnit, OURS, picks } from './engine-figures.ts'
import { figure, summary } from './figures.ts'
import type { EngineResults } from './results.ts'
import { NOTHING, renderTable, type TableFormat, withoutEmpty } from './table.ts'

type Scale = { readonly title: string; readonly factor: number; readonly digits: number }

const perUnit = (unit: Unit): { readonly rate: Scale; readonly cost: Scale } =>
  unit === 'GiB'
    ? { rate: { title: 'MiB/s', factor: 1_024, digits: 0 }, cost: { title: 'CPU s/GiB', factor: 1, digits: 2 } }
    : {
        rate: { title: `${unit}s/s`, factor: 1, digits: 0 },
        cost: { title: `CPU µs/${unit}`, factor: 1e6, digits: 1 },
      }

type Rounds = readonly EngineRound[]
type Column = { readonly title: string; readonly cell: (rounds: Rounds, ours: Rounds | null) => string }

const summarized = (
  rounds: Rounds,
  pick: (round: EngineRound) => number | null,
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

const ratioCell: Column['cell'] = (rounds, ours) => {
  if (ours === null || ours === rounds) return NOTHING
  const [mine, its] = [medianOf(ours, picks.cpu), medianOf(rounds, picks.cpu)]
  return mine === null || its === null || its === 0 ? NOTHING : figure(mine / its, 2)
}

const columns = (unit: Unit): readonly Column[] => {
  const { rate, cost } = perUnit(unit)
  const milliseconds = { factor: 1, digits: 2 }
  return [
    { title: rate.title, cell: (rounds) => summarized(rounds, picks.rate, rate) },
    { title: cost.title, cell: (rounds) => summarized(rounds, picks.cpu, cost) },
    { title: `${OURS} ÷ it`, cell: ratioCell },
    {
      title: 'core %',
      cell: (rounds) =>
        summarized(rounds, ({ cpuSeconds, seconds }) => (cpuSeconds === null ? null : cpuSeconds / seconds), {
          factor: 100,
          digits: 0,
        }),
    },
    { title: 'p50 ms', cell: (rounds) => summarized(rounds, picks.p50, milliseconds) },
    { title: 'p99 ms', cell: (rounds) => summarized(rounds, picks.p99, milliseconds) },
    { title: 'p99.9 ms', cell: (rounds) => summarized(rounds, ({ p999Ms }) => p999Ms ?? null, milliseconds) },
    ...(unit === 'client'
      ? [
          {
            title: `KiB/${unit}`,
            cell: (rounds: Rounds) => summarized(rounds, memoryPerUnit, { factor: 1, digits: 1 }),
          },
        ]
      : []),
    { title: 'RSS MiB', cell: (rounds) => summarized(rounds, picks.peak, { factor: 1, digits: 0 }) },
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

export const reportEngine = (results: EngineResults, format: TableFormat): string => {
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
