// One way in and how it is measured: what clients speak to the proxy, the loads that speak it, and one answer that must be
// right before anything is timed.
import type { Front, FrontProtocol } from '../contenders/front.ts'
import type { OriginPorts } from '../throughput/targets.ts'

export type FrontKind = 'tcp' | 'tls' | 'http2'

/** What a load counts. A GiB is 2^30 bytes of payload, counted once whether or not it also comes back. */
export type Unit = 'GiB' | 'request' | 'connection' | 'handshake'

export type Run = {
  readonly amount: number
  readonly seconds: number
  /** Null where the load does not say. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly errors: number
}

export type Workload = {
  readonly name: string
  readonly summary: string
  readonly unit: Unit
  run(port: number, seconds: number): Promise<Run>
}

export type StartedFrontBench = {
  readonly front: Front
  readonly origin: OriginPorts
  readonly workloads: readonly Workload[]
  /** Throws when what comes back through this port is not what the origin sends. */
  check(port: number): Promise<void>
  stop(): Promise<void>
}

export type FrontBench = {
  readonly kind: FrontKind
  readonly protocol: FrontProtocol
  /** Without these nothing can be measured. */
  readonly tools: readonly string[]
  readonly defaultSeconds: number
  readonly warmUpSeconds: number
  /** Whether the load can also speak to the origin without a proxy, which shows what the load itself can do. */
  readonly direct: boolean
  start(workDir: string): Promise<StartedFrontBench>
}
