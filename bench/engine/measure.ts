// Measures one kind of load: contenders that start and answer rightly take part, the others are named with the reason. Then every
// workload in interleaved rounds.
import type { Contender } from '../contenders/contender.ts'
import { Interrupted } from '../process/interrupted.ts'
import type { EngineBench, Run, StartedEngineBench, Unit, Workload } from './engine-bench.ts'
import type { Cost } from './process-cost.ts'
import { costing, direct, interleaved, startTarget, type Target } from './targets.ts'

export type EngineRound = Run & {
  /** Null for the origin itself, which shares its core with the load. */
  readonly cpuSeconds: number | null
  readonly memoryMiB?: Cost['memoryMiB'] | null
}

type Failure = { readonly contender: string; readonly why: string }

export type WorkloadResult = {
  readonly name: string
  readonly summary: string
  readonly unit: Unit
  readonly results: readonly { readonly contender: string; readonly rounds: readonly EngineRound[] }[]
  /** Who took part and could not carry this load. */
  readonly failures: readonly Failure[]
}

export type Measured = {
  readonly workloads: readonly WorkloadResult[]
  readonly configurations: Readonly<Record<string, string>>
  /** Who did not start or answered wrongly. */
  readonly failures: readonly Failure[]
}

export type MeasureOptions = {
  readonly bench: EngineBench
  readonly contenders: readonly Contender[]
  readonly seconds: number
  readonly rounds: number
  readonly workDir: string
  tell(line: string): void
}

type Attempt<T> = { readonly value: T } | { readonly why: string }

const attempt = async <T>(what: string, action: () => Promise<T>): Promise<Attempt<T>> => {
  try {
    return { value: await action() }
  } catch (error) {
    if (error instanceof Interrupted) throw error
    return { why: `${what}: ${error instanceof Error ? error.message : String(error)}` }
  }
}

const takePart = async (
  contender: Contender,
  started: StartedEngineBench,
  { workDir, bench: { settings, unpinned } }: MeasureOptions,
): Promise<Attempt<Target>> => {
  const begun = await attempt('did not start', () =>
    startTarget(contender, { ...started, workDir, settings, unpinned }),
  )
  if ('why' in begun) return begun
  const checked = await attempt('wrong answer before timing', () => started.check(begun.value.port))
  if (!('why' in checked)) return begun
  await begun.value.running?.stop()
  return checked
}

const gather = async (options: MeasureOptions, started: StartedEngineBench, targets: Target[]): Promise<Failure[]> => {
  const failures: Failure[] = []
  if (options.bench.direct) targets.push(direct(started.origin))
  for (const contender of options.contenders) {
    const taken = await takePart(contender, started, options)
    if ('value' in taken) targets.push(taken.value)
    else {
      options.tell(`${contender.name} ${taken.why}`)
      failures.push({ contender: contender.name, why: taken.why })
    }
  }
  return failures
}

const measureOnce = async (target: Target, workload: Workload, seconds: number): Promise<EngineRound> => {
  await workload.prepare?.(target.port)
  const { run, cost } = await costing(target, () => workload.run(target.port, seconds))
  if (run.amount === 0) throw new Error(`nothing got through, ${run.errors} errors`)
  return { ...run, cpuSeconds: cost?.cpuSeconds ?? null, memoryMiB: cost?.memoryMiB ?? null }
}

const measureFresh = async (target: Target, workload: Workload, seconds: number): Promise<EngineRound> => {
  const fresh = await target.again()
  try {
    return await measureOnce(fresh, workload, seconds)
  } finally {
    await fresh.running?.stop()
  }
}

/** A contender that fails once, warm-up included, has no figures for this workload. */
const measureWorkload = async (
  workload: Workload,
  targets: readonly Target[],
  { bench, seconds, rounds, tell }: MeasureOptions,
): Promise<WorkloadResult> => {
  const failures: Failure[] = []
  const tryOnce = async (target: Target, duration: number): Promise<EngineRound | null> => {
    if (failures.some(({ contender }) => contender === target.name)) return null
    const measure = bench.freshEachRound ? measureFresh : measureOnce
    const tried = await attempt(workload.name, () => measure(target, workload, duration))
    if ('value' in tried) return tried.value
    tell(`${target.name} ${tried.why}`)
    failures.push({ contender: target.name, why: tried.why })
    return null
  }
  if (!bench.freshEachRound) for (const target of targets) await tryOnce(target, bench.warmUpSeconds)
  const measured = await interleaved(targets, rounds, (target) => tryOnce(target, seconds))
  tell(`${workload.name}: measured`)
  const { name, summary, unit } = workload
  const results = [...measured].flatMap(([contender, taken]) => {
    const whole = taken.filter((round) => round !== null)
    return whole.length === rounds ? [{ contender, rounds: whole }] : []
  })
  return { name, summary, unit, results, failures }
}

export const measureEngine = async (options: MeasureOptions): Promise<Measured> => {
  const started = await options.bench.start(options.workDir)
  const targets: Target[] = []
  try {
    const failures = await gather(options, started, targets)
    const workloads: WorkloadResult[] = []
    for (const workload of started.workloads) workloads.push(await measureWorkload(workload, targets, options))
    const configurations = Object.fromEntries(
      targets.flatMap(({ name, running }) => (running ? [[name, running.configuration]] : [])),
    )
    return { workloads, configurations, failures }
  } finally {
    for (const target of targets) await target.running?.stop()
    await started.stop()
  }
}
