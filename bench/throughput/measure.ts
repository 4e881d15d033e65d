// Throughput in small: every contender alone on core 0; origin and load on core 1. All are started once and measured in
// interleaved rounds, so that a slow minute of the machine falls on all of them alike; the medians are reported.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, RunningContender } from '../contenders/contender.ts'
import { freePorts } from '../process/free-port.ts'
import { median } from '../report/statistics.ts'
import { cpuMicroseconds } from './cpu-time.ts'
import type { LoadGenerator, LoadRun } from './load-run.ts'
import { type StaticOrigin, startStaticOrigin } from './static-origin.ts'

const PROXY_CPU = 0
const ORIGIN_CPU = 1
const WARM_UP_SECONDS = 1

export type Round = LoadRun & { readonly cpuMicrosPerRequest: number | null }

export type ThroughputResult = {
  readonly contender: string
  readonly rounds: readonly Round[]
  readonly median: Omit<Round, 'requests'>
}

type Target = { readonly name: string; readonly port: number; readonly running: RunningContender | null }

const startTarget = async (contender: Contender, origin: StaticOrigin, workDir: string): Promise<Target> => {
  const folder = join(workDir, contender.name)
  mkdirSync(folder, { recursive: true })
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number]
  const running = await contender.start({
    listenPort,
    adminPort,
    primary: { name: 'primary', port: origin.primaryPort },
    standby: { name: 'standby', port: origin.standbyPort },
    workDir: folder,
    cpu: PROXY_CPU,
  })
  return { name: contender.name, port: listenPort, running }
}

type Measurement = { readonly seconds: number; readonly workDir: string; readonly load: LoadGenerator }

const measureOnce = async (target: Target, { seconds, workDir, load }: Measurement): Promise<Round> => {
  const cpu = () => (target.running ? cpuMicroseconds(target.running.pid) : 0)
  const before = cpu()
  const run = await load({ port: target.port, seconds, cpu: ORIGIN_CPU, workDir })
  return { ...run, cpuMicrosPerRequest: target.running ? (cpu() - before) / run.requests : null }
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
  const origin = await startStaticOrigin(workDir, ORIGIN_CPU)
  const targets: Target[] = [{ name: 'direct', port: origin.primaryPort, running: null }]
  const rounds = new Map<string, Round[]>()
  try {
    for (const contender of options.contenders) targets.push(await startTarget(contender, origin, workDir))
    for (const target of targets) await measureOnce(target, { ...options, seconds: WARM_UP_SECONDS })
    for (let i = 0; i < options.rounds; i += 1) {
      for (const target of targets) {
        const round = await measureOnce(target, options)
        rounds.set(target.name, [...(rounds.get(target.name) ?? []), round])
        options.onRound?.(target.name, round)
      }
    }
    return targets.map((target) => summarize(target.name, rounds.get(target.name) ?? []))
  } finally {
    for (const target of targets) await target.running?.stop()
    await origin.stop()
  }
}
