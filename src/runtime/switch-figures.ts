/** What is counted of a pool's decisions: how many there were of each kind, and how long each took to show. */
import type { Notice } from '../core/events.ts'
import type { PoolState } from '../core/pool.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolCounters } from './counters.ts'
import type { UpstreamLedger } from './ledger.ts'

export class SwitchFigures {
  private readonly counters: PoolCounters
  private readonly ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>
  /** When the switch that is under way began. */
  private began: Millis | null = null

  constructor(counters: PoolCounters, ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>) {
    this.counters = counters
    this.ledgers = ledgers
  }

  /** From the decision, or the first step of a switch, to the first answer of the new active. */
  changed(before: PoolState, after: PoolState, at: Millis): void {
    const { phase, epoch, decision } = after
    if (phase === 'switching' && before.phase !== 'switching') this.began = at
    if (epoch === before.epoch || decision.to === null) return
    const began = this.began ?? at
    this.began = null
    const ledger = this.ledgers.get(decision.to)
    if (ledger) ledger.onFirstAnswer = (now) => this.counters.switchDurations.observe(now - began)
  }

  announced({ type, rule, at }: Notice): void {
    const { counters } = this
    switch (type) {
      case 'failover':
        counters.failovers.add(rule ?? 'operator')
        counters.lastFailoverAt = at
        return
      case 'switchover':
        counters.switchovers++
        return
      case 'failback':
        counters.failbacks++
        return
      case 'would-failover':
        if (rule) counters.observedFailovers.add(rule)
    }
  }
}
