// Any results file as text or Markdown, with the machine and the versions it was made with.
import type { Results } from './results.ts'
import { reportSwitchover } from './switchover-report.ts'
import type { TableFormat } from './table.ts'
import { reportThroughput } from './throughput-report.ts'

const provenance = ({ machine, versions, skipped }: Results): string[] => [
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}, Node ${machine.node}`,
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', '),
  ...skipped.map(({ contender, why }) => `skipped: ${contender} (${why})`),
]

export const report = (results: Results, format: TableFormat): string => {
  const body = results.kind === 'switchover' ? reportSwitchover(results, format) : reportThroughput(results, format)
  const lines = provenance(results)
  const foot = format === 'markdown' ? lines.map((line) => `- ${line}`) : lines
  return `${body}\n\n${foot.join('\n')}\n`
}
