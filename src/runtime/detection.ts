/**
 * Between what was seen of the upstreams and what the core is told: asks for confirming probes, passes convictions on,
 * and lets one hiccup count once.
 */
import type { Conviction } from '../core/ejection.ts'
import { stillAnswers } from '../core/ejection.ts'
import type { Finding } from '../core/evidence.ts'
import type { ProbeResult } from '../core/health.ts'
import type { PoolState } from '../core/pool.ts'
import { activeOf } from '../core/pool.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'

export type DetectionDuties = Readonly<{
  state(): PoolState
  probeNow(upstream: UpstreamId): void
  convict(upstream: UpstreamId, conviction: Conviction): void
}>

/** A second sign of a crash must be at least 5 ms after the first. */
export const CONFIRM_AGAIN = 6
/** The same finding again within this tells nothing new, ms. */
const REPEATED = 10_000
/** Probes sent closer together than this tell of the same moment. */
export const SAME_HICCUP = 5

export class Detection {
  private readonly clock: Clock
  private readonly duties: DetectionDuties
  /** Second confirming probes that are still to be sent. */
  private readonly confirming = new Map<UpstreamId, Cancel>()
  /** When the last failure that counted against an upstream was noticed. */
  private readonly failures = new Map<UpstreamId, Millis>()
  /** What the core was told last that it did not act on, by upstream. */
  private readonly withheld = new Map<UpstreamId, Readonly<{ rule: string; epoch: number; at: Millis }>>()

  constructor(clock: Clock, duties: DetectionDuties) {
    this.clock = clock
    this.duties = duties
  }

  stop(): void {
    for (const cancel of this.confirming.values()) cancel()
    this.confirming.clear()
  }

  found(id: UpstreamId, finding: Finding): void {
    if (finding.type === 'convict') this.convict(id, finding.conviction)
    else this.confirm(id)
  }

  convict(id: UpstreamId, conviction: Conviction): void {
    const state = this.duties.state()
    const known = state.upstreams.find((upstream) => upstream.id === id)
    // Nobody needs to hear again of what is out already.
    const ejected = known?.ejection && this.clock.now() < known.ejection.until ? known.ejection.rule : null
    if (ejected === conviction.rule) return
    const active = id === activeOf(state)
    if (!active && (ejected !== null || known?.health.status === 'unhealthy')) return
    if (stillAnswers(conviction.rule) && this.isRepeated(id, conviction, state.epoch)) return
    this.duties.convict(id, conviction)
  }

  /** An upstream that fails with nobody to replace it would have every failure of it told again. */
  private isRepeated(id: UpstreamId, { rule }: Conviction, epoch: number): boolean {
    const now = this.clock.now()
    const last = this.withheld.get(id)
    if (last?.rule === rule && last.epoch === epoch && now - last.at < REPEATED) return true
    this.withheld.set(id, { rule, epoch, at: now })
    return false
  }

  /**
   * Probes that were under way together, or all but, saw one and the same hiccup, so it counts against the upstream's
   * health once: what is sent to confirm a suspicion must not turn it into a series of failures.
   */
  repeatsFailure(id: UpstreamId, result: ProbeResult, sentAt: Millis): boolean {
    if (result.failure === null) return false
    const counted = this.failures.get(id)
    if (counted !== undefined && sentAt < counted + SAME_HICCUP) return true
    this.failures.set(id, this.clock.now())
    return false
  }

  private confirm(id: UpstreamId): void {
    if (this.confirming.has(id)) return
    const again = this.clock.after(CONFIRM_AGAIN, () => {
      this.confirming.delete(id)
      this.duties.probeNow(id)
    })
    this.confirming.set(id, again)
    this.duties.probeNow(id)
  }
}
