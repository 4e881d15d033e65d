/** One upstream as HTTP uses it: its connections, its tunnels, its ledger; ends its traffic when the pool says so. */
import type { Waiter } from '../runtime/hold.ts'
import type { TrafficControl, UpstreamLedger } from '../runtime/ledger.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'
import type { ConnectTo } from '../wire/connect-to.ts'
import type { ConnectionAllowance } from '../wire/connection-allowance.ts'
import { UNLIMITED } from '../wire/connection-allowance.ts'
import type { PoolEvents } from '../wire/connection-pool.ts'
import { ConnectionPool } from '../wire/connection-pool.ts'
import { Http2Channels } from '../wire/http2-channels.ts'
import { DEFAULT_HEAD_LIMITS } from '../wire/limits.ts'
import type { Splice } from '../wire/splice.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { UpstreamChannel, UpstreamChannels } from '../wire/upstream-channel.ts'
import type { Exchange } from './exchange.ts'

/** `protocol`: what it speaks. HTTP/2 without TLS is spoken with prior knowledge. */
export type HttpUpstream = Readonly<{ to: ConnectTo; protocol: 'http/1.1' | 'h2' }>
/** `allowance`: for the connections of its traffic. */
export type ServingUpstream = HttpUpstream & Readonly<{ allowance: ConnectionAllowance }>

/** Any number of them, unless there is an `allowance`. */
export function channelsTo(
  { to, protocol }: HttpUpstream,
  {
    sweeper,
    events,
    allowance = UNLIMITED,
  }: Readonly<{ sweeper: Sweeper; events: PoolEvents; allowance?: ConnectionAllowance }>,
): UpstreamChannels {
  const Channels = protocol === 'h2' ? Http2Channels : ConnectionPool
  return new Channels(to, { sweeper, limits: DEFAULT_HEAD_LIMITS, allowance, events })
}

export class UpstreamEndpoint implements TrafficControl {
  readonly ledger: UpstreamLedger
  readonly maxConnections: number | null
  private readonly channels: UpstreamChannels
  private readonly runtime: TrafficPool
  private readonly tunnels = new Set<Splice>()
  private readonly sweeper: Sweeper
  private readonly random: () => number

  constructor(
    ledger: UpstreamLedger,
    upstream: ServingUpstream,
    setup: Readonly<{ runtime: TrafficPool; sweeper: Sweeper; random: () => number }>,
  ) {
    const { runtime, sweeper, random } = setup
    const { allowance } = upstream
    const onFree = (): void => runtime.hold.connectionFreed(ledger.id, runtime)
    this.ledger = ledger
    this.runtime = runtime
    this.maxConnections = allowance.max
    this.sweeper = sweeper
    this.random = random
    const events: PoolEvents = {
      onHeard: () => ledger.heard(sweeper.clock.now()),
      onConnected: () => ledger.connected(),
      onGoaway: () => ledger.goawayCame(sweeper.clock.now()),
      onFree,
    }
    this.channels = channelsTo(upstream, { sweeper, events, allowance })
    allowance.listen(onFree)
    ledger.traffic.push(this)
  }

  /** A way to it for a request. Null: its connections are taken, or others wait for one who came before `waiter`. */
  channel(waiter: Waiter | null, repeatable: boolean, fresh: boolean): UpstreamChannel | null {
    if (!this.runtime.hold.isTurnOf(waiter, this.ledger.id)) return null
    return fresh ? this.channels.open() : this.channels.acquire(repeatable)
  }

  /** After a 101: joins the client's connection and the upstream's, or says why not. */
  openTunnel(exchange: Exchange, channel: UpstreamChannel, idleFor: number): string | null {
    const { upgrade } = exchange.head
    if (upgrade === '' || channel.head.upgrade !== upgrade) return '101 that nobody asked for'
    let tunnel: Splice | null = null
    tunnel = exchange.openTunnel(channel.head, channel, idleFor, () => {
      if (tunnel && this.tunnels.delete(tunnel)) this.ledger.tunnelClosed()
    })
    if (!tunnel) return '101 on a connection that cannot be joined'
    this.tunnels.add(tunnel)
    this.ledger.tunnelOpened()
    return null
  }

  get connections(): number {
    return this.channels.size
  }

  preconnect(count: number, done: () => void): void {
    this.channels.preconnect(count, done)
  }

  abandonWaiting(detail: string): void {
    this.channels.abandonWaiting(detail)
  }

  closeRequests(): void {
    this.channels.closeAll()
  }

  closeTunnels(spread: number): void {
    for (const tunnel of [...this.tunnels]) {
      if (spread === 0) tunnel.part()
      else this.sweeper.clock.after(this.random() * spread, () => tunnel.part())
    }
  }
}
