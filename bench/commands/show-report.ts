// `report`: results files again as tables, and as charts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { faultCharts } from '../report/fault-charts.ts'
import { isFaults, mergeResults } from '../report/merge.ts'
import { report } from '../report/report.ts'
import { loadResults, type Results } from '../report/results.ts'
import { UsageError } from './usage-error.ts'

const writeCharts = (results: Results, folder: string): void => {
  if (!isFaults(results))
    throw new UsageError(`there are no charts of ${results.kind}, only of switchover and gauntlet`)
  mkdirSync(folder, { recursive: true })
  for (const [name, svg] of Object.entries(faultCharts(results))) {
    const file = join(folder, name)
    writeFileSync(file, svg)
    process.stderr.write(`chart: ${file}\n`)
  }
}

export const showReport = async (args: string[]): Promise<void> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { markdown: { type: 'boolean', default: false }, svg: { type: 'string' } },
  })
  const [file, ...more] = positionals
  if (file === undefined) throw new UsageError('report needs the name of a results file')
  const results = mergeResults([loadResults(file), ...more.map(loadResults)])
  if (values.svg !== undefined) writeCharts(results, values.svg)
  process.stdout.write(report(results, values.markdown ? 'markdown' : 'text'))
}
