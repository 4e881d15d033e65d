// What a load is aimed at: contenders, each alone on one core with origin and load on the other, and how they take turns.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, PairSettings, RunningContender } from '../contenders/contender.ts'
import type { Front } from '../contenders/front.ts'
import { freePorts } from '../process/free-port.ts'
import type { Cost } from './process-cost.ts'
import { withCost } from './process-cost.ts'

const PROXY_CPU = 0
/** Origin and load. */
export const LOAD_CPU = 1

export type OriginPorts = { readonly primaryPort: number; readonly standbyPort: number }

/** `running` is null for the origin itself, which is measured without a proxy. */
export type Target = {
  readonly name: string
  readonly port: number
  readonly running: RunningContender | null
  /** Another one like it, started afresh. */
  again(): Promise<Target>
}

export const DIRECT = 'direct'

export const direct = (origin: OriginPorts): Target => ({
  name: DIRECT,
  port: origin.primaryPort,
  running: null,
  again: async () => direct(origin),
})

type Setting = {
  readonly origin: OriginPorts
  readonly workDir: string
  readonly front?: Front
  readonly settings?: PairSettings | undefined
  readonly unpinned?: boolean | undefined
}

export const startTarget = async (contender: Contender, setting: Setting): Promise<Target> => {
  const { origin, workDir, front, settings, unpinned } = setting
  const folder = join(workDir, contender.name)
  mkdirSync(folder, { recursive: true })
  const [listenPort, adminPort] = (await freePorts(2)) as [number, number]
  const running = await contender.start({
    listenPort,
    adminPort,
    primary: { name: 'primary', port: origin.primaryPort },
    standby: { name: 'standby', port: origin.standbyPort },
    workDir: folder,
    cpu: unpinned ? undefined : PROXY_CPU,
    front,
    settings,
  })
  return { name: contender.name, port: listenPort, running, again: () => startTarget(contender, setting) }
}

/** What `load` gives, and what it cost the target; null for what runs on the load's own core. */
export const costing = async <T>(
  target: Target,
  load: () => Promise<T>,
): Promise<{ readonly run: T; readonly cost: Cost | null }> =>
  target.running ? withCost(target.running.pid, load) : { run: await load(), cost: null }

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
