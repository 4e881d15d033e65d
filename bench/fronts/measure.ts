// Measures one way in: contenders that start and answer rightly take part, the others are named with the reason. Then every
// workload in interleaved rounds.
import type { Contender } from '../contenders/contender.ts'
import { Interrupted } from '../process/interrupted.ts'
import { direct, interleaved, startTarget, type Target, withCpuTime } from '../throughput/targets.ts'
import type { FrontBench, Run, StartedFrontBench, Unit, Workload } from './front-bench.ts'

export type FrontRound = Run & {
  /** Null for the origin itself, which shares its core with the load. */
  readonly cpuSeconds: number | null
}

type Failure = { readonly contender: string; readonly why: string }

export type WorkloadResult = {
  readonly name: string
  readonly summary: string
  readonly unit: Unit
  readonly results: readonly { readonly contender: string; readonly rounds: readonly FrontRound[] }[]
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
  readonly bench: FrontBench
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
  started: StartedFrontBench,
  workDir: string,
): Promise<Attempt<Target>> => {
  const begun = await attempt('did not start', () => startTarget(contender, { ...started, workDir }))
  if ('why' in begun) return begun
  const checked = await attempt('wrong answer before timing', () => started.check(begun.value.port))
  if (!('why' in checked)) return begun
  await begun.value.running?.stop()
  return checked
}

const gather = async (options: MeasureOptions, started: StartedFrontBench, targets: Target[]): Promise<Failure[]> => {
  const failures: Failure[] = []
  if (options.bench.direct) targets.push(direct(started.origin))
  for (const contender of options.contenders) {
    const taken = await takePart(contender, started, options.workDir)
    if ('value' in taken) targets.push(taken.value)
    else {
      options.tell(`${contender.name} ${taken.why}`)
      failures.push({ contender: contender.name, why: taken.why })
    }
  }
  return failures
}

const measureOnce = async (target: Target, workload: Workload, seconds: number): Promise<FrontRound> => {
  const { run, cpuMicros } = await withCpuTime(target, () => workload.run(target.port, seconds))
  if (run.amount === 0) throw new Error(`nothing got through, ${run.errors} errors`)
  return { ...run, cpuSeconds: cpuMicros === null ? null : cpuMicros / 1e6 }
}

/** A contender that fails once, warm-up included, has no figures for this workload. */
const measureWorkload = async (
  workload: Workload,
  targets: readonly Target[],
  { bench, seconds, rounds, tell }: MeasureOptions,
): Promise<WorkloadResult> => {
  const failures: Failure[] = []
  const tryOnce = async (target: Target, duration: number): Promise<FrontRound | null> => {
    if (failures.some(({ contender }) => contender === target.name)) return null
    const tried = await attempt(workload.name, () => measureOnce(target, workload, duration))
    if ('value' in tried) return tried.value
    tell(`${target.name} ${tried.why}`)
    failures.push({ contender: target.name, why: tried.why })
    return null
  }
  for (const target of targets) await tryOnce(target, bench.warmUpSeconds)
  const measured = await interleaved(targets, rounds, (target) => tryOnce(target, seconds))
  tell(`${workload.name}: measured`)
  const { name, summary, unit } = workload
  const results = [...measured].flatMap(([contender, taken]) => {
    const whole = taken.filter((round) => round !== null)
    return whole.length === rounds ? [{ contender, rounds: whole }] : []
  })
  return { name, summary, unit, results, failures }
}

export const measureFront = async (options: MeasureOptions): Promise<Measured> => {
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
