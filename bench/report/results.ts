// The shape of a results file, and how it is written and read. Everything that a reader needs to judge the figures is in it:
// machine, versions, seeds, the configuration of every contender.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, cpus, release, totalmem, type } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SkippedScenario } from '../commands/scenario-needs.ts'
import type { PairSettings } from '../contenders/contender.ts'
import type { EngineKind } from '../engine/engine-bench.ts'
import type { EngineGoal } from '../engine/goals.ts'
import type { WorkloadResult } from '../engine/measure.ts'
import type { LoadShape } from '../load/plan.ts'
import type { Verdict } from '../load/verdict.ts'
import type { Goal } from '../scenarios/goal.ts'

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  readonly commit: string | null
}

type Common = {
  readonly date: string
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly skipped: readonly { readonly contender: string; readonly why: string }[]
}

/** What files of the first version do not have. */
type LaterFigures = 'tolerated' | 'switches' | 'switchesSeen' | 'switchedAfterMs' | 'recoveredAfterMs' | 'worstGetMs'
export type RecordedVerdict = Omit<Verdict, LaterFigures> & Partial<Pick<Verdict, LaterFigures>>

export type FaultTrial = {
  readonly scenario: string
  readonly contender: string
  readonly seed: number
  /** Either a verdict or the reason why the trial could not be carried out. */
  readonly verdict?: RecordedVerdict
  readonly error?: string
}

export type FaultResults = Common & {
  readonly kind: 'switchover' | 'gauntlet'
  readonly skippedScenarios?: readonly SkippedScenario[]
  readonly load: LoadShape
  readonly seeds: readonly number[]
  readonly scenarios: readonly {
    readonly name: string
    readonly summary: string
    readonly goal?: Goal
    /** Where it differs from the usual. */
    readonly load?: Partial<LoadShape>
    readonly settings?: PairSettings
  }[]
  readonly configurations: Readonly<Record<string, string>>
  readonly trials: readonly FaultTrial[]
}

export type EngineResults = Common & {
  readonly kind: EngineKind
  readonly seconds: number
  readonly rounds: number
  readonly configurations: Readonly<Record<string, string>>
  readonly workloads: readonly WorkloadResult[]
  readonly goals?: readonly EngineGoal[]
}

export type Results = FaultResults | EngineResults

const FAULT_KINDS: readonly FaultResults['kind'][] = ['switchover', 'gauntlet']
const ENGINE_KINDS: Readonly<Record<EngineKind, true>> = {
  throughput: true,
  large: true,
  connections: true,
  growth: true,
  latency: true,
  memory: true,
  tcp: true,
  tls: true,
  http2: true,
  workers: true,
}
const KINDS: readonly string[] = [...FAULT_KINDS, ...Object.keys(ENGINE_KINDS)]

const RESULTS_FOLDER = fileURLToPath(new URL('../results/', import.meta.url))

const currentCommit = (): string | null => {
  try {
    const options = { cwd: dirname(RESULTS_FOLDER), encoding: 'utf8', stdio: 'pipe' } as const
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim()
  } catch {
    return null
  }
}

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: `${type()} ${release()} ${arch()}`,
  node: process.versions.node,
  commit: currentCommit(),
})

export const defaultResultsFile = (kind: Results['kind'], date: string): string =>
  join(RESULTS_FOLDER, `${kind}-${date.replaceAll(':', '').replace(/\..*/, '')}.json`)

export const saveResults = (file: string, results: Results): void => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
}

export const loadResults = (file: string): Results => {
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results
  if (!KINDS.includes(results.kind)) throw new Error(`${file} holds no bench results`)
  return results
}
