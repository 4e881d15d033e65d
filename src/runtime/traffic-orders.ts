/** What a decision asks of the traffic: to open connections ahead, to come to its end, to be cut off. */
import type { Retirement } from '../core/events.ts'
import type { Clock } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { UpstreamLedger } from './ledger.ts'
import { preconnect } from './preconnect.ts'
import { Retirements } from './retirements.ts'

export class TrafficOrders {
  private readonly ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>
  private readonly retirements: Retirements

  constructor(ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>, clock: Clock) {
    this.ledgers = ledgers
    this.retirements = new Retirements(clock)
  }

  stop(): void {
    this.retirements.stop()
  }

  retire(upstream: UpstreamId, retirement: Retirement): void {
    const ledger = this.ledgers.get(upstream)
    if (ledger) this.retirements.begin(ledger, retirement)
  }

  /** It is in use again. */
  callBack(upstream: UpstreamId): void {
    this.retirements.cancel(upstream)
  }

  /** Once this returns, nothing reaches it any more. */
  cut(upstream: UpstreamId): void {
    const traffic = this.ledgers.get(upstream)?.traffic ?? []
    for (const control of traffic) {
      control.closeTunnels(0)
      control.closeRequests()
    }
    for (const control of traffic) control.confirm?.()
  }

  /** Tunnels end now; `done` comes when nothing is in flight. */
  drain(upstream: UpstreamId, done: () => void): void {
    const ledger = this.ledgers.get(upstream)
    for (const control of ledger?.traffic ?? []) control.closeTunnels(0)
    ledger?.whenIdle(done)
  }

  /** As many connections as the active has, and those who wait need. */
  preconnect(to: UpstreamId, from: Readonly<{ active: UpstreamId | null; held: number }>, done: () => void): void {
    const ledger = this.ledgers.get(to)
    const busy = from.active === null ? null : (this.ledgers.get(from.active) ?? null)
    if (ledger) preconnect(ledger, busy, from.held, done)
    else done()
  }
}
