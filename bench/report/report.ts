// Any results file as text or Markdown, with the machine and the versions it was made with.

import { reportEngine } from './engine-report.ts'
import { reportFaults } from './fault-report.ts'
import type { Results } from './results.ts'
import type { TableFormat } from './table.ts'

export const provenance = ({ machine, versions, skipped }: Results): string[] => [
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, Node ${machine.node}, commit ${machine.commit ?? 'unknown'}`,
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', '),
  ...skipped.map(({ contender, why }) => `skipped: ${contender} (${why})`),
]

const tables = (results: Results, format: TableFormat): string => {
  switch (results.kind) {
    case 'switchover':
    case 'gauntlet':
      return reportFaults(results, format)
    default:
      return reportEngine(results, format)
  }
}

export const report = (results: Results, format: TableFormat): string => {
  const body = tables(results, format)
  const lines = provenance(results)
  const foot = format === 'markdown' ? lines.map((line) => `- ${line}`) : lines
  return `${body}\n\n${foot.join('\n')}\n`
}
