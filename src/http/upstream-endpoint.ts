/** One upstream as HTTP uses it: its connections, its tunnels, its ledger; ends its traffic when the pool says so. */
import type { TrafficControl, UpstreamLedger } from '../runtime/ledger.ts'
import { ConnectionPool } from '../wire/connection-pool.ts'
import { DEFAULT_HEAD_LIMITS } from '../wire/limits.ts'
import type { Splice } from '../wire/splice.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { ConnectTo } from '../wire/transport.ts'

export class UpstreamEndpoint implements TrafficControl {
  readonly ledger: UpstreamLedger
  readonly connections: ConnectionPool
  private readonly tunnels = new Set<Splice>()
  private readonly sweeper: Sweeper
  private readonly random: () => number

  constructor(ledger: UpstreamLedger, to: ConnectTo, setup: Readonly<{ sweeper: Sweeper; random: () => number }>) {
    this.ledger = ledger
    this.sweeper = setup.sweeper
    this.random = setup.random
    this.connections = new ConnectionPool(to, {
      sweeper: setup.sweeper,
      limits: DEFAULT_HEAD_LIMITS,
      events: {
        onHeard: () => ledger.evidence.byte(setup.sweeper.clock.now()),
        onConnected: () => {
          ledger.counters.connects++
          ledger.evidence.connected()
        },
      },
    })
    ledger.traffic.push(this)
  }

  addTunnel(tunnel: Splice): void {
    this.tunnels.add(tunnel)
    this.ledger.tunnels++
  }

  removeTunnel(tunnel: Splice): void {
    if (this.tunnels.delete(tunnel)) this.ledger.tunnels--
  }

  abandonWaiting(detail: string): void {
    for (const connection of [...this.connections.all]) connection.abandon(detail)
  }

  closeRequests(): void {
    this.connections.closeAll()
  }

  closeTunnels(spread: number): void {
    for (const tunnel of [...this.tunnels]) {
      if (spread === 0) tunnel.close()
      else this.sweeper.clock.after(this.random() * spread, () => tunnel.close())
    }
  }
}
