// What the results of fault trials look like: a chart of failed requests and one of gaps, scenarios by contenders.
import { type Bar, type BarMatrix, renderBarMatrix } from './bar-matrix.ts'
import { summary } from './figures.ts'
import type { FaultResults, RecordedVerdict } from './results.ts'
import { median } from './statistics.ts'

const OURS = 'understudy'

type Measure = {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly pick: (verdict: RecordedVerdict) => number
}

const measures: readonly Measure[] = [
  {
    name: 'failed',
    title: 'Failed requests',
    unit: 'requests',
    pick: ({ failedGet, failedPost }) => failedGet + failedPost,
  },
  {
    name: 'gap',
    title: 'Longest time without a good answer',
    unit: 'ms',
    pick: ({ longestGapMs }) => longestGapMs,
  },
]

const barOf = (verdicts: readonly RecordedVerdict[], { pick, unit }: Measure, where: string): Bar | null => {
  if (verdicts.length === 0) return null
  const values = verdicts.map(pick)
  const value = median(values)
  return { value, label: value.toFixed(0), hint: `${where}: ${summary(values, 0)} ${unit}` }
}

const matrixOf = (results: FaultResults, measure: Measure): BarMatrix => {
  const columns = Object.keys(results.versions)
  const verdictsOf = (scenario: string, contender: string) =>
    results.trials
      .filter((trial) => trial.scenario === scenario && trial.contender === contender)
      .flatMap(({ verdict }) => (verdict ? [verdict] : []))
  return {
    title: measure.title,
    subtitle: `${measure.unit}, median of ${results.seeds.length} trial(s), log scale; ${results.load.rate} requests/s; ${results.machine.cpu}, ${results.machine.cores} cores`,
    columns,
    ours: OURS,
    rows: results.scenarios.map(({ name }) => ({
      name,
      bars: columns.map((column) => barOf(verdictsOf(name, column), measure, `${name}, ${column}`)),
    })),
  }
}

/** By file name. */
export const faultCharts = (results: FaultResults): Readonly<Record<string, string>> =>
  Object.fromEntries(
    measures.map((measure) => [`${results.kind}-${measure.name}.svg`, renderBarMatrix(matrixOf(results, measure))]),
  )
