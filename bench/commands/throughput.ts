// `throughput`: requests per second and CPU per request of every chosen contender. Needs nginx and taskset; loads with
// wrk where it is installed, else with autocannon.
import { parseArgs } from 'node:util'
import { isInstalled } from '../contenders/program-version.ts'
import { makeTemporaryFolder } from '../process/temporary-folder.ts'
import { report } from '../report/report.ts'
import { defaultResultsFile, describeMachine, saveResults, type ThroughputResults } from '../report/results.ts'
import { runAutocannon } from '../throughput/autocannon.ts'
import { CONNECTIONS, type LoadGenerator } from '../throughput/load-run.ts'
import { measureThroughput } from '../throughput/measure.ts'
import { runWrk } from '../throughput/wrk.ts'
import { missingTools } from './missing-tools.ts'
import { numberOption } from './number-option.ts'
import { selectContenders } from './select-contenders.ts'
import { UsageError } from './usage-error.ts'

const GENERATORS: Readonly<Record<string, LoadGenerator>> = { wrk: runWrk, autocannon: runAutocannon }

const chooseLoad = (asked: string | undefined): { readonly name: string; readonly run: LoadGenerator } => {
  const name = asked ?? (isInstalled('wrk') ? 'wrk' : 'autocannon')
  const run = GENERATORS[name]
  if (!run) throw new UsageError(`unknown load generator ${name}; there are: ${Object.keys(GENERATORS).join(', ')}`)
  return { name, run }
}

export const throughput = async (args: string[]): Promise<void> => {
  const { values } = parseArgs({
    args,
    options: {
      contenders: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      load: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const seconds = numberOption('seconds', values.seconds)
  const rounds = Math.ceil(numberOption('rounds', values.rounds))
  const load = chooseLoad(values.load)
  const selection = selectContenders(values.contenders)
  const missing = missingTools(['nginx', 'taskset'])
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
      load: load.run,
      onRound: (name, round) => process.stderr.write(`${name}: ${round.requestsPerSecond.toFixed(0)} requests/s\n`),
    })
    const { versions, skipped } = selection
    const results: ThroughputResults = {
      kind: 'throughput',
      date,
      machine: describeMachine(),
      versions,
      skipped,
      load: load.name,
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
