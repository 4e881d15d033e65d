/**
 * What is found out about one pool's upstreams, and what becomes of it: a lookout on all of them, and the detection that
 * asks for confirmation and passes convictions on. Concludes nothing about the pool itself.
 */
import type { Doubt } from '../core/doubt.ts'
import type { Conviction } from '../core/ejection.ts'
import type { ProbeResult } from '../core/health.ts'
import type { PoolState } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import type { Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolCounters } from './counters.ts'
import { Detection, SAME_HICCUP } from './detection.ts'
import { UpstreamLedger } from './ledger.ts'
import type { Drive, SurveillancePolicy } from './lookout.ts'
import { Lookout } from './lookout.ts'

/** The pool that it is for. */
export interface SurveyedPool {
  readonly state: PoolState
  readonly route: Route
  readonly counters: PoolCounters
  convicted(upstream: UpstreamId, conviction: Conviction): void
  /** What waited for the end of a doubt may go on. */
  doubtSettled(): void
}

export class Surveillance {
  private readonly clock: Clock
  private readonly pool: SurveyedPool
  private readonly detection: Detection
  private readonly lookout: Lookout
  /** When the last probe of each was sent. */
  private readonly probedAt = new Map<UpstreamId, Millis>()
  private probeNow: (upstream: UpstreamId) => void = () => {}

  constructor(upstreams: readonly UpstreamId[], policy: SurveillancePolicy, drive: Drive, pool: SurveyedPool) {
    const { clock } = drive
    this.clock = clock
    this.pool = pool
    const probeNow = (id: UpstreamId): void => this.probeNow(id)
    this.detection = new Detection(clock, {
      state: () => pool.state,
      probeNow,
      convict: (id, conviction) => pool.convicted(id, conviction),
    })
    this.lookout = new Lookout(upstreams, policy, drive, {
      state: () => pool.state,
      route: () => pool.route,
      counters: pool.counters,
      makeLedger: (id, known) => new UpstreamLedger(id, known, (finding) => this.detection.found(id, finding)),
      probeNow,
      convict: (id, conviction) => this.detection.convict(id, conviction),
      doubtSettled: () => pool.doubtSettled(),
    })
  }

  start(probeNow: (upstream: UpstreamId) => void): void {
    this.probeNow = probeNow
    this.lookout.start()
  }

  stop(): void {
    this.lookout.stop()
    this.detection.stop()
  }

  get ledgers(): ReadonlyMap<UpstreamId, UpstreamLedger> {
    return this.lookout.ledgers
  }

  /** How far the active is in doubt, as of the last look. */
  get doubt(): Doubt {
    return this.lookout.doubt
  }

  /** The same as of now. */
  doubtAt(now: Millis): Doubt {
    return this.lookout.doubtAt(now)
  }

  /** What was known of the last active as such says nothing of the new one. */
  activeChanged(): void {
    this.lookout.activeChanged()
  }

  /** A new route is out. */
  follow(route: Route): void {
    this.lookout.follow(route)
  }

  /** Found by a lookout on other traffic of the same pool. */
  convict(upstream: UpstreamId, conviction: Conviction): void {
    this.detection.convict(upstream, conviction)
  }

  /** For lookouts elsewhere: several ask at the same moment, and one probe tells all of them. */
  requestProbe(id: UpstreamId): void {
    const last = this.probedAt.get(id)
    if (last === undefined || this.clock.now() >= last + SAME_HICCUP) this.probeNow(id)
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    this.probedAt.set(id, at)
    this.lookout.probeStarted(id, at)
  }

  /** Null: it says nothing new of its upstream's health. Another one saw the same hiccup, or such stalls are known of it. */
  probed(ledger: UpstreamLedger, result: ProbeResult, sentAt: Millis): Readonly<{ trafficFine: boolean }> | null {
    const now = this.clock.now()
    const { id, evidence } = ledger
    this.lookout.probeEnded(ledger, result, sentAt)
    const finding = evidence.probed(result.failure, now)
    // First, so that a crash is treated as one: as a mere change of health it would leave its requests waiting.
    if (finding) this.detection.found(id, finding)
    if (result.failure === 'timeout' && this.lookout.bears(id, now)) return null
    if (this.detection.repeatsFailure(id, result, sentAt)) return null
    if (result.verdict === 'fail' && id === this.pool.route.active) this.lookout.probeStandbys()
    return { trafficFine: evidence.trafficFine(now) }
  }
}
