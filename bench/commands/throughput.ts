// `throughput`: requests per second and CPU per request of every chosen contender. Needs wrk, nginx and taskset.
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { programVersion } from '../contenders/program-version.ts'
import { makeTemporaryFolder } from '../process/temporary-folder.ts'
import { report } from '../report/report.ts'
import { defaultResultsFile, describeMachine, saveResults, type ThroughputResults } from '../report/results.ts'
import { measureThroughput } from '../throughput/measure.ts'
import { CONNECTIONS } from '../throughput/wrk.ts'
import { numberOption } from './number-option.ts'
import { selectContenders } from './select-contenders.ts'

const missingTools = (): string[] => [
  ...['wrk', 'nginx', 'taskset'].filter((tool) => programVersion(tool, ['-v'], /(.)/) === null),
  ...(cpus().length < 2 ? ['a second core'] : []),
]

export const throughput = async (args: string[]): Promise<void> => {
  const { values } = parseArgs({
    args,
    options: {
      contenders: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      out: { type: 'string' },
    },
  })
  const seconds = numberOption('seconds', values.seconds)
  const rounds = Math.ceil(numberOption('rounds', values.rounds))
  const selection = selectContenders(values.contenders)
  const missing = missingTools()
  if (missing.length > 0) {
    process.stdout.write(`throughput skipped: needs ${missing.join(', ')} (see bench/install-peers.sh)\n`)
    return
  }
  const date = new Date().toISOString()
  const folder = makeTemporaryFolder()
  try {
    const measured = await measureThroughput({
      contenders: selection.present,
      seconds,
      rounds,
      workDir: folder.path,
      onRound: (name, round) => process.stderr.write(`${name}: ${round.requestsPerSecond.toFixed(0)} requests/s\n`),
    })
    const { versions, skipped } = selection
    const results: ThroughputResults = {
      kind: 'throughput',
      date,
      machine: describeMachine(),
      versions,
      skipped,
      connections: CONNECTIONS,
      seconds,
      results: measured,
    }
    const file = values.out ?? defaultResultsFile('throughput', date)
    saveResults(file, results)
    process.stdout.write(`\n${report(results, 'text')}\nresults: ${file}\n`)
  } finally {
    folder.remove()
  }
}
