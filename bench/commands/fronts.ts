// `tcp`, `tls`, `http2`: rate and CPU time for each unit, for one way in.
import { parseArgs } from 'node:util'
import type { FrontKind } from '../fronts/front-bench.ts'
import { type Measured, measureFront } from '../fronts/measure.ts'
import { frontBenches } from '../fronts/registry.ts'
import { makeTemporaryFolder } from '../process/temporary-folder.ts'
import { report } from '../report/report.ts'
import { defaultResultsFile, describeMachine, type FrontResults, saveResults } from '../report/results.ts'
import { DIRECT } from '../throughput/targets.ts'
import { missingTools } from './missing-tools.ts'
import { numberOption } from './number-option.ts'
import { type Selection, selectContenders } from './select-contenders.ts'

const DEFAULT_ROUNDS = 3
const LONGEST_REASON = 400

const readOptions = (args: string[], defaultSeconds: number) => {
  const { values } = parseArgs({
    args,
    options: {
      contenders: { type: 'string' },
      seconds: { type: 'string', default: String(defaultSeconds) },
      rounds: { type: 'string', default: String(DEFAULT_ROUNDS) },
      out: { type: 'string' },
    },
  })
  return {
    contenders: values.contenders,
    seconds: numberOption('seconds', values.seconds),
    rounds: Math.ceil(numberOption('rounds', values.rounds)),
    out: values.out,
  }
}

const measure = async (kind: FrontKind, selection: Selection, times: { seconds: number; rounds: number }) => {
  const folder = makeTemporaryFolder()
  try {
    return await measureFront({
      bench: frontBenches[kind],
      contenders: selection.present,
      ...times,
      workDir: folder.path,
      tell: (line) => process.stderr.write(`${kind}: ${line}\n`),
    })
  } finally {
    folder.remove()
  }
}

/** On one line, because a log may be long and tables are read. */
const brief = (why: string): string => why.replace(/\s+/g, ' ').trim().slice(0, LONGEST_REASON)

/** A file without a single figure would only be mistaken for results. */
const expectSomebody = ({ workloads, failures }: Measured): void => {
  if (workloads.some(({ results }) => results.some(({ contender }) => contender !== DIRECT))) return
  const all = [...failures, ...workloads.flatMap((workload) => workload.failures)]
  throw new Error(
    `nobody could be measured: ${all.map(({ contender, why }) => `${contender} ${brief(why)}`).join('; ')}`,
  )
}

const skippedIn = (selection: Selection, { failures }: Measured): Selection['skipped'] => [
  ...selection.skipped,
  ...failures.map(({ contender, why }) => ({ contender, why: brief(why) })),
]

export const frontCommand =
  (kind: FrontKind) =>
  async (args: string[]): Promise<void> => {
    const bench = frontBenches[kind]
    const { contenders, seconds, rounds, out } = readOptions(args, bench.defaultSeconds)
    const selection = selectContenders(contenders, { front: bench.protocol })
    for (const { contender, why } of selection.skipped) process.stderr.write(`${kind}: ${contender} skipped: ${why}\n`)
    const missing = [...missingTools(bench.tools), ...(selection.present.length === 0 ? ['a contender'] : [])]
    if (missing.length > 0) {
      process.stdout.write(`${kind} skipped: needs ${missing.join(', ')} (see bench/install-peers.sh)\n`)
      return
    }
    const date = new Date().toISOString()
    const measured = await measure(kind, selection, { seconds, rounds })
    expectSomebody(measured)
    const results: FrontResults = {
      kind,
      date,
      machine: describeMachine(),
      versions: selection.versions,
      skipped: skippedIn(selection, measured),
      seconds,
      rounds,
      configurations: measured.configurations,
      workloads: measured.workloads,
    }
    const file = out ?? defaultResultsFile(kind, date)
    saveResults(file, results)
    process.stdout.write(`\n${report(results, 'text')}\nresults: ${file}\n`)
  }
