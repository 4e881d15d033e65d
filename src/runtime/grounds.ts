/** Attaches to a notice what it rests on: the figures of the conviction and what was seen of every upstream last. */
import type { Conviction } from '../core/ejection.ts'
import type { Notice, NoticeType } from '../core/events.ts'
import type { Sighting } from '../core/grounds.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { UpstreamLedger } from './ledger.ts'

/** Those that somebody will want explained. */
const EXPLAINED: readonly NoticeType[] = [
  'failover',
  'would-failover',
  'ejected',
  'conviction-withheld',
  'switch-failed',
  'unavailable',
]

export class GroundsKeeper {
  private readonly ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>
  private readonly convictions = new Map<UpstreamId, Conviction>()

  constructor(ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>) {
    this.ledgers = ledgers
  }

  convicted(upstream: UpstreamId, conviction: Conviction): void {
    this.convictions.set(upstream, conviction)
  }

  attach(notice: Notice, now: Millis): Notice {
    if (!EXPLAINED.includes(notice.type)) return notice
    const { rule = null } = notice
    const upstreams = [...this.ledgers.values()].map((ledger) => sighting(ledger, now))
    return { ...notice, evidence: { rule, figures: this.figures(notice), upstreams } }
  }

  /** An older conviction by another rule is another story. */
  private figures({ upstream, from, rule }: Notice): Readonly<Record<string, number>> {
    const subject = upstream ?? from
    const conviction = subject ? this.convictions.get(subject) : undefined
    return conviction?.rule === rule ? (conviction?.figures ?? {}) : {}
  }
}

function sighting({ id, inFlight, recent }: UpstreamLedger, now: Millis): Sighting {
  return { upstream: id, inFlight, probes: recent.probes(now), failedAttempts: recent.failedAttempts() }
}
