/** One pool as HTTP listeners use it: its runtime, its endpoints, and what all its requests share. */
import type { Allowance } from '../core/allowance.ts'
import { ReplayBudget } from '../core/replay-budget.ts'
import type { Clock } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { AccessSink } from './access-log.ts'
import type { AttemptLimits } from './attempt.ts'
import type { ServingUpstream } from './upstream-endpoint.ts'
import { UpstreamEndpoint } from './upstream-endpoint.ts'
import { WarmStandby } from './warm-standby.ts'

export type HttpPoolOptions = Readonly<{
  attempt: AttemptLimits
  /** Bytes of a request body kept for a replay. */
  replayBody: number
  /** An Idempotency-Key makes a request repeatable. */
  idempotencyKey: boolean
  /** The standby may answer safe requests while the active is in doubt. */
  standbyReads: boolean
  /** A large answer that is cut off may go on with the rest from another upstream. */
  resume: boolean
  upgradeIdle: number
  /** For HTTP/1.0 requests without a Host. */
  defaultHost: string
}>

export type HttpPoolParts = Readonly<{
  runtime: TrafficPool
  upstreams: ReadonlyMap<UpstreamId, ServingUpstream>
  options: HttpPoolOptions
  /** Bytes that all requests together may keep for replays. Past it a request only loses its right to one. */
  memory: Allowance
  sweeper: Sweeper
  random: () => number
  makeRequestId: () => string
  access: AccessSink | null
}>

export class HttpPool {
  readonly runtime: TrafficPool
  readonly options: HttpPoolOptions
  readonly memory: Allowance
  readonly sweeper: Sweeper
  readonly clock: Clock
  /** Of answers of 500 tried elsewhere, and of requests hedged: each a share of the traffic at most. */
  readonly errorReplays = new ReplayBudget()
  readonly hedges = new ReplayBudget()
  readonly makeRequestId: () => string
  readonly access: AccessSink | null
  /** What is cut off now is to stay so. */
  closed = false
  private readonly endpoints = new Map<UpstreamId, UpstreamEndpoint>()
  private readonly warmth: WarmStandby

  constructor(parts: HttpPoolParts) {
    this.runtime = parts.runtime
    this.options = parts.options
    this.memory = parts.memory
    this.sweeper = parts.sweeper
    this.clock = parts.sweeper.clock
    this.makeRequestId = parts.makeRequestId
    this.access = parts.access
    for (const [id, upstream] of parts.upstreams) {
      this.endpoints.set(id, new UpstreamEndpoint(parts.runtime.ledger(id), upstream, parts))
    }
    this.warmth = new WarmStandby(this)
    this.sweeper.add(this.warmth)
  }

  endpoint(id: UpstreamId): UpstreamEndpoint {
    const endpoint = this.endpoints.get(id)
    if (!endpoint) throw new Error(`no endpoint for upstream ${id}`)
    return endpoint
  }

  close(): void {
    this.closed = true
    this.sweeper.remove(this.warmth)
    for (const endpoint of this.endpoints.values()) {
      endpoint.closeTunnels(0)
      endpoint.closeRequests()
    }
  }
}
