// `report`: a results file again as a table.
import { parseArgs } from 'node:util'
import { report } from '../report/report.ts'
import { loadResults } from '../report/results.ts'
import { UsageError } from './usage-error.ts'

export const showReport = async (args: string[]): Promise<void> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { markdown: { type: 'boolean', default: false } },
  })
  const [file] = positionals
  if (file === undefined) throw new UsageError('report needs the name of a results file')
  process.stdout.write(report(loadResults(file), values.markdown ? 'markdown' : 'text'))
}
