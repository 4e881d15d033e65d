/**
 * Everything that is known of one pool's upstreams and how it came to be known: their ledgers, what their probes said, the
 * watch on the active. Concludes nothing about the pool: what it finds it tells.
 */
import { AnswerTimes } from '../core/answer-times.ts'
import type { Doubt } from '../core/doubt.ts'
import type { Conviction } from '../core/ejection.ts'
import type { EvidencePolicy } from '../core/evidence.ts'
import { Evidence } from '../core/evidence.ts'
import type { ProbeResult } from '../core/health.ts'
import type { PoolState } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import { ineligible } from '../core/selection.ts'
import type { HangPolicy } from '../core/suspicion.ts'
import type { Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { ActiveWatch } from './active-watch.ts'
import type { PoolCounters } from './counters.ts'
import { Detection } from './detection.ts'
import { UpstreamLedger } from './ledger.ts'
import type { WatchTimer } from './watch-timer.ts'

export type SurveillancePolicy = Readonly<{
  evidence: EvidencePolicy
  hang: HangPolicy
  /** Whether gray failures are looked for at all. */
  gray: boolean
}>

/** What it is driven by. */
export type Drive = Readonly<{ clock: Clock; watchTimer: WatchTimer }>

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
  readonly ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>
  private readonly clock: Clock
  private readonly pool: SurveyedPool
  private readonly detection: Detection
  private readonly watch: ActiveWatch
  private probeNow: (upstream: UpstreamId) => void = () => {}

  constructor(upstreams: readonly UpstreamId[], policy: SurveillancePolicy, drive: Drive, pool: SurveyedPool) {
    const { clock, watchTimer } = drive
    this.clock = clock
    this.pool = pool
    const now = clock.now()
    const answerTimes = new AnswerTimes(now)
    const ledgerOf = (id: UpstreamId): UpstreamLedger => {
      const evidence = new Evidence(policy.evidence, now)
      return new UpstreamLedger(id, { evidence, answerTimes }, (finding) => this.detection.found(id, finding))
    }
    this.ledgers = new Map(upstreams.map((id) => [id, ledgerOf(id)]))
    this.detection = new Detection(clock, {
      state: () => pool.state,
      probeNow: (id) => this.probeNow(id),
      convict: (id, conviction) => pool.convicted(id, conviction),
    })
    this.watch = new ActiveWatch({ ...policy.hang, gray: policy.gray }, clock, {
      active: () => this.watched(),
      ledgers: () => this.ledgers.values(),
      probeActive: () => this.probeActive(),
      probeStandbys: () => this.probeStandbys(),
      standbyFast: () => this.standbyFast(),
      convict: (ledger, conviction) => this.detection.convict(ledger.id, conviction),
      settled: () => pool.doubtSettled(),
      counters: pool.counters,
      timer: watchTimer,
    })
  }

  start(probeNow: (upstream: UpstreamId) => void): void {
    this.probeNow = probeNow
    this.watch.start()
  }

  stop(): void {
    this.watch.stop()
    this.detection.stop()
  }

  /** How far the active is in doubt, as of the last look. */
  get doubt(): Doubt {
    return this.watch.doubt
  }

  /** The same as of now. */
  doubtAt(now: Millis): Doubt {
    return this.watch.doubtAt(now)
  }

  /** What was known of the last active as such says nothing of the new one. */
  activeChanged(): void {
    this.watch.reset()
  }

  /** A new route is out. */
  follow({ active }: Route): void {
    for (const ledger of this.ledgers.values()) ledger.exemplary = ledger.id === active
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    this.ledgers.get(id)?.recent.probeSent(at)
    this.watch.probeStarted(id, at)
  }

  /** Null: it says nothing new of its upstream's health. Another one saw the same hiccup, or such stalls are known of it. */
  probed(ledger: UpstreamLedger, result: ProbeResult, sentAt: Millis): Readonly<{ trafficFine: boolean }> | null {
    const now = this.clock.now()
    const { id, evidence } = ledger
    const answered = result.failure === null
    ledger.counters.probeDurations.observe(result.latency)
    ledger.probeLatency = result.verdict === 'pass' ? result.latency : null
    ledger.recent.probeEnded(sentAt, result)
    // While it still shows how long the silence was that it ends.
    if (answered) {
      ledger.heard(now)
      evidence.probeAnswered(result.verdict === 'pass', now)
    }
    this.watch.probeEnded(id, sentAt, answered)
    const finding = evidence.probed(result.failure, now)
    // First, so that a crash is treated as one: as a mere change of health it would leave its requests waiting.
    if (finding) this.detection.found(id, finding)
    if (result.failure === 'timeout' && this.watch.bears(id, now)) return null
    if (this.detection.repeatsFailure(id, result, sentAt)) return null
    if (result.verdict === 'fail' && id === this.pool.route.active) this.probeStandbys()
    return { trafficFine: evidence.trafficFine(now) }
  }

  /** The active, as long as it is worth suspecting. */
  private watched(): UpstreamLedger | null {
    const { route, state } = this.pool
    if (route.active === null || state.phase !== 'serving') return null
    const ejection = state.upstreams.find((upstream) => upstream.id === route.active)?.ejection
    if (ejection && this.clock.now() < ejection.until) return null
    return this.ledgers.get(route.active) ?? null
  }

  private probeActive(): void {
    const { active } = this.pool.route
    if (active !== null) this.probeNow(active)
  }

  /** The control: when they do not answer either, it may be us (R8). */
  private probeStandbys(): void {
    const { route, state } = this.pool
    for (const { id, admin } of state.upstreams) {
      if (id !== route.active && admin.state !== 'disabled') this.probeNow(id)
    }
  }

  /** Another upstream could take over, and it answers faster than silence of the active becomes suspicious. */
  private standbyFast(): boolean {
    const now = this.clock.now()
    const { route, state } = this.pool
    return state.upstreams.some((upstream) => {
      if (upstream.id === route.active || ineligible(upstream, now) !== null) return false
      const latency = this.ledgers.get(upstream.id)?.probeLatency ?? null
      return latency !== null && latency <= this.watch.suspectAfter
    })
  }
}
