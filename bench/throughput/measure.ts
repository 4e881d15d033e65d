// Throughput in small: every contender alone on core 0; origin and load on core 1. All are started once and measured in
// interleaved rounds; the medians are reported.
import type { Contender } from '../contenders/contender.ts'
import { median } from '../report/statistics.ts'
import type { LoadGenerator, LoadRun } from './load-run.ts'
import { startStaticOrigin } from './static-origin.ts'
import { direct, interleaved, LOAD_CPU, startTarget, type Target, withCpuTime } from './targets.ts'

const WARM_UP_SECONDS = 1

export type Round = LoadRun & { readonly cpuMicrosPerRequest: number | null }

export type ThroughputResult = {
  readonly contender: string
  readonly rounds: readonly Round[]
  readonly median: Omit<Round, 'requests'>
}

type Measurement = { readonly seconds: number; readonly workDir: string; readonly load: LoadGenerator }

const measureOnce = async (target: Target, { seconds, workDir, load }: Measurement): Promise<Round> => {
  const { run, cpuMicros } = await withCpuTime(target, () =>
    load({ port: target.port, seconds, cpu: LOAD_CPU, workDir }),
  )
  return { ...run, cpuMicrosPerRequest: cpuMicros === null ? null : cpuMicros / run.requests }
}

const summarize = (contender: string, rounds: readonly Round[]): ThroughputResult => {
  const over = (pick: (round: Round) => number) => median(rounds.map(pick))
  return {
    contender,
    rounds,
    median: {
      requestsPerSecond: over((round) => round.requestsPerSecond),
      p50Ms: over((round) => round.p50Ms),
      p99Ms: over((round) => round.p99Ms),
      errors: over((round) => round.errors),
      cpuMicrosPerRequest:
        rounds[0]?.cpuMicrosPerRequest === null ? null : over((round) => round.cpuMicrosPerRequest ?? 0),
    },
  }
}

export const measureThroughput = async (options: {
  readonly contenders: readonly Contender[]
  readonly seconds: number
  readonly rounds: number
  readonly workDir: string
  readonly load: LoadGenerator
  readonly onRound?: (contender: string, round: Round) => void
}): Promise<ThroughputResult[]> => {
  const { workDir } = options
  const origin = await startStaticOrigin(workDir, LOAD_CPU)
  const targets: Target[] = [direct(origin)]
  try {
    for (const contender of options.contenders) targets.push(await startTarget(contender, { origin, workDir }))
    for (const target of targets) await measureOnce(target, { ...options, seconds: WARM_UP_SECONDS })
    const rounds = await interleaved(targets, options.rounds, async (target) => {
      const round = await measureOnce(target, options)
      options.onRound?.(target.name, round)
      return round
    })
    return targets.map((target) => summarize(target.name, rounds.get(target.name) ?? []))
  } finally {
    for (const target of targets) await target.running?.stop()
    await origin.stop()
  }
}
