// One kind of load, or `engine`, all of them: rate, CPU time and memory for each unit.
import { parseArgs } from 'node:util'
import type { EngineKind } from '../engine/engine-bench.ts'
import { type Measured, measureEngine } from '../engine/measure.ts'
import { engineBenches } from '../engine/registry.ts'
import { DIRECT } from '../engine/targets.ts'
import { makeTemporaryFolder } from '../process/temporary-folder.ts'
import { report } from '../report/report.ts'
import { defaultResultsFile, describeMachine, type EngineResults, saveResults } from '../report/results.ts'
import { missingTools } from './missing-tools.ts'
import { numberOption } from './number-option.ts'
import { type Selection, selectContenders } from './select-contenders.ts'
import { UsageError } from './usage-error.ts'

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

const measure = async (kind: EngineKind, selection: Selection, times: { seconds: number; rounds: number }) => {
  const folder = makeTemporaryFolder()
  try {
    return await measureEngine({
      bench: engineBenches[kind],
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

/** The results file; null where something that it needs is missing. */
const measureKind = async (kind: EngineKind, args: string[]): Promise<string | null> => {
  const bench = engineBenches[kind]
  const { contenders, seconds, rounds, out } = readOptions(args, bench.defaultSeconds)
  const { takesPart } = bench
  const selection = selectContenders(contenders, { front: bench.protocol, ...(takesPart && { takesPart }) })
  for (const { contender, why } of selection.skipped) process.stderr.write(`${kind}: ${contender} skipped: ${why}\n`)
  const missing = [...missingTools(bench.tools), ...(selection.present.length === 0 ? ['a contender'] : [])]
  if (missing.length > 0) {
    process.stdout.write(`${kind} skipped: needs ${missing.join(', ')} (see bench/install-peers.sh)\n`)
    return null
  }
  const date = new Date().toISOString()
  const measured = await measure(kind, selection, { seconds, rounds })
  expectSomebody(measured)
  const results: EngineResults = {
    kind,
    date,
    machine: describeMachine(),
    versions: selection.versions,
    skipped: skippedIn(selection, measured),
    seconds,
    rounds,
    configurations: measured.configurations,
    workloads: measured.workloads,
    goals: bench.goals,
  }
  const file = out ?? defaultResultsFile(kind, date)
  saveResults(file, results)
  process.stdout.write(`\n${report(results, 'text')}\nresults: ${file}\n`)
  return file
}

export const engineCommand =
  (kind: EngineKind) =>
  async (args: string[]): Promise<void> => {
    await measureKind(kind, args)
  }

/** All kinds, one after the other, and how to make one page of them. */
export const wholeEngineCommand = async (args: string[]): Promise<void> => {
  if (args.some((arg) => arg.startsWith('--out')))
    throw new UsageError('engine writes a file for each kind: --out is for one')
  const files: string[] = []
  for (const kind of Object.keys(engineBenches) as EngineKind[]) {
    const file = await measureKind(kind, args)
    if (file !== null) files.push(file)
  }
  process.stdout.write(`\nnpm run bench -- report ${files.join(' ')} --readme --svg bench/results\n`)
}
