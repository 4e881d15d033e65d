// The throughput results as a table of medians.
import type { ThroughputResults } from './results.ts'
import { renderTable, type TableFormat } from './table.ts'

const HEAD = ['contender', 'requests/s', 'CPU µs/request', 'p50 ms', 'p99 ms', 'errors']

export const reportThroughput = (results: ThroughputResults, format: TableFormat): string => {
  const rows = results.results.map(({ contender, median }) => [
    contender,
    median.requestsPerSecond.toFixed(0),
    median.cpuMicrosPerRequest === null ? '–' : median.cpuMicrosPerRequest.toFixed(1),
    median.p50Ms.toFixed(2),
    median.p99Ms.toFixed(2),
    median.errors.toFixed(0),
  ])
  const rounds = results.results[0]?.rounds.length ?? 0
  const setting = `wrk -t1 -c${results.connections}, ${rounds} interleaved round(s) of ${results.seconds} s, medians; contenders alone on one core, origin and wrk on the other`
  return [setting, '', renderTable({ head: HEAD, rows }, format)].join('\n')
}
