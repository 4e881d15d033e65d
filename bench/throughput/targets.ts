// What a load is aimed at: contenders, each alone on one core with origin and load on the other, and how they take turns.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, RunningContender } from '../contenders/contender.ts'
import type { Front } from '../contenders/front.ts'
import { freePorts } from '../process/free-port.ts'
import { cpuMicroseconds } from './cpu-time.ts'

const PROXY_CPU = 0
/** Origin and load. */
export const LOAD_CPU = 1

export type OriginPorts = { readonly primaryPort: number; readonly standbyPort: number }

/** `running` is null for the origin itself, which is measured without a proxy. */
export type Target = { readonly name: string; readonly port: number; readonly running: RunningContender | null }

export const DIRECT = 'direct'

export const direct = (origin: OriginPorts): Target => ({ name: DIRECT, port: origin.primaryPort, running: null })

type Setting = { readonly origin: OriginPorts; readonly workDir: string; readonly front?: Front }

export const startTarget = async (contender: Contender, { origin, workDir, front }: Setting): Promise<Target> => {
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
    front,
  })
  return { name: contender.name, port: listenPort, running }
}

/** What `load` gives, and the CPU time that the target took for it; null for what runs on the load's own core. */
export const withCpuTime = async <T>(
  target: Target,
  load: () => Promise<T>,
): Promise<{ readonly run: T; readonly cpuMicros: number | null }> => {
  const cpu = () => (target.running ? cpuMicroseconds(target.running.pid) : 0)
  const before = cpu()
  const run = await load()
  return { run, cpuMicros: target.running ? cpu() - before : null }
}

/** Round by round, all targets in each, so that a slow minute of the machine falls on all of them alike. */
export const interleaved = async <Round>(
  targets: readonly Target[],
  rounds: number,
  measure: (target: Target) => Promise<Round>,
): Promise<ReadonlyMap<string, readonly Round[]>> => {
  const measured = new Map<string, Round[]>(targets.map(({ name }) => [name, []]))
  for (let i = 0; i < rounds; i += 1) {
    for (const target of targets) measured.get(target.name)?.push(await measure(target))
  }
  return measured
}
