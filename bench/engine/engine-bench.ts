// One kind of load and how it is measured: what clients speak to the proxy, the loads, who takes part, and one answer that must
// be right before anything is timed.
import type { Contender, PairSettings } from '../contenders/contender.ts'
import type { Front, FrontProtocol } from '../contenders/front.ts'
import type { EngineGoal } from './goals.ts'
import type { OriginPorts } from './targets.ts'

export type EngineKind =
  | 'throughput'
  | 'large'
  | 'connections'
  | 'growth'
  | 'latency'
  | 'memory'
  | 'tcp'
  | 'tls'
  | 'http2'
  | 'workers'

/** What a load counts. A GiB is 2^30 bytes of payload, counted once whether or not it also comes back. */
export type Unit = 'GiB' | 'request' | 'connection' | 'handshake' | 'client'

export type Run = {
  readonly amount: number
  readonly seconds: number
  /** Null where the load does not say. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly p999Ms?: number | null
  readonly errors: number
}

export type Workload = {
  readonly name: string
  readonly summary: string
  readonly unit: Unit
  /** Before what it costs is counted. */
  prepare?(port: number): Promise<void>
  run(port: number, seconds: number): Promise<Run>
}

export type StartedEngineBench = {
  readonly front: Front
  readonly origin: OriginPorts
  readonly workloads: readonly Workload[]
  /** Throws when what comes back through this port is not what the origin sends. */
  check(port: number): Promise<void>
  stop(): Promise<void>
}

export type EngineBench = {
  readonly kind: EngineKind
  /** One line for the command's help. */
  readonly summary: string
  readonly protocol: FrontProtocol
  /** Without these nothing can be measured. */
  readonly tools: readonly string[]
  readonly defaultSeconds: number
  readonly warmUpSeconds: number
  /** Whether the load can also speak to the origin without a proxy, which shows what the load itself can do. */
  readonly direct: boolean
  /** Every round has a process of its own, without a warm-up: what is asked for is what it comes to. */
  readonly freshEachRound?: boolean
  readonly settings?: PairSettings
  /** Nobody has a core to himself: the system places contender, origin and load. */
  readonly unpinned?: boolean
  /** Who does when nobody is named. Default: one configuration of each. */
  readonly takesPart?: (contender: Contender) => boolean
  /** What ours is to reach. */
  readonly goals: readonly EngineGoal[]
  start(workDir: string): Promise<StartedEngineBench>
}
