/** One pool as TCP listeners use it: its runtime, its endpoints, and what all its sessions share. */
import type { Clock } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { TcpAccessSink } from './access-log.ts'
import type { TcpUpstream } from './tcp-endpoint.ts'
import { TcpEndpoint } from './tcp-endpoint.ts'

/** Times in ms. */
export type TcpPoolOptions = Readonly<{
  /** For one attempt to connect, TLS included. */
  connect: number
  /** Without a byte in either direction. */
  idle: number
  /** Bytes kept of what a client sends before an upstream has taken it. Then it is not read from, so nothing is lost. */
  early: number
}>

export type TcpPoolParts = Readonly<{
  runtime: TrafficPool
  upstreams: ReadonlyMap<UpstreamId, TcpUpstream>
  options: TcpPoolOptions
  sweeper: Sweeper
  random: () => number
  access: TcpAccessSink | null
}>

export class TcpPool {
  readonly runtime: TrafficPool
  readonly options: TcpPoolOptions
  readonly sweeper: Sweeper
  readonly clock: Clock
  readonly access: TcpAccessSink | null
  /** Nobody is connected to any more. */
  closed = false
  private readonly endpoints = new Map<UpstreamId, TcpEndpoint>()

  constructor(parts: TcpPoolParts) {
    this.runtime = parts.runtime
    this.options = parts.options
    this.sweeper = parts.sweeper
    this.clock = parts.sweeper.clock
    this.access = parts.access
    for (const [id, upstream] of parts.upstreams) {
      this.endpoints.set(id, new TcpEndpoint(parts.runtime.ledger(id), upstream, parts))
    }
  }

  endpoint(id: UpstreamId): TcpEndpoint {
    const endpoint = this.endpoints.get(id)
    if (!endpoint) throw new Error(`no endpoint for upstream ${id}`)
    return endpoint
  }

  close(): void {
    this.closed = true
    for (const endpoint of this.endpoints.values()) {
      endpoint.closeTunnels(0)
      endpoint.closeRequests()
    }
  }
}
