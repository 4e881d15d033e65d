/**
 * Looks after one pool's upstreams for as long as somebody's traffic goes to them: their ledgers, what their probes said,
 * the watch on the active. Concludes nothing: what it finds it tells.
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
import type { Known, UpstreamLedger } from './ledger.ts'
import type { WatchTimer } from './watch-timer.ts'

export type SurveillancePolicy = Readonly<{
  evidence: EvidencePolicy
  hang: HangPolicy
  /** Whether gray failures are looked for at all. */
  gray: boolean
}>

/** What it is driven by. */
export type Drive = Readonly<{ clock: Clock; watchTimer: WatchTimer }>

export type LookoutDuties = Readonly<{
  state(): PoolState
  route(): Route
  counters: PoolCounters
  makeLedger(id: UpstreamId, known: Known): UpstreamLedger
  probeNow(upstream: UpstreamId): void
  convict(upstream: UpstreamId, conviction: Conviction): void
  /** What waited for the end of a doubt may go on. */
  doubtSettled(): void
}>

export class Lookout {
  readonly ledgers: ReadonlyMap<UpstreamId, UpstreamLedger>
  private readonly clock: Clock
  private readonly duties: LookoutDuties
  private readonly watch: ActiveWatch

  constructor(upstreams: readonly UpstreamId[], policy: SurveillancePolicy, drive: Drive, duties: LookoutDuties) {
    const { clock, watchTimer } = drive
    this.clock = clock
    this.duties = duties
    const now = clock.now()
    const answerTimes = new AnswerTimes(now)
    const ledgerOf = (id: UpstreamId): UpstreamLedger =>
      duties.makeLedger(id, { evidence: new Evidence(policy.evidence, now), answerTimes })
    this.ledgers = new Map(upstreams.map((id) => [id, ledgerOf(id)]))
    this.watch = new ActiveWatch({ ...policy.hang, gray: policy.gray }, clock, {
      active: () => this.watched(),
      ledgers: () => this.ledgers.values(),
      probeActive: () => this.probeActive(),
      probeStandbys: () => this.probeStandbys(),
      standbyFast: () => this.standbyFast(),
      convict: (ledger, conviction) => duties.convict(ledger.id, conviction),
      settled: () => duties.doubtSettled(),
      counters: duties.counters,
      timer: watchTimer,
    })
  }

  start(): void {
    this.watch.start()
  }

  stop(): void {
    this.watch.stop()
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

  /** It has survived longer silences lately than the one it is in. */
  bears(id: UpstreamId, now: Millis): boolean {
    return this.watch.bears(id, now)
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    this.ledgers.get(id)?.recent.probeSent(at)
    this.watch.probeStarted(id, at)
  }

  probeEnded(ledger: UpstreamLedger, result: ProbeResult, sentAt: Millis): void {
    const now = this.clock.now()
    const answered = result.failure === null
    ledger.counters.probeDurations.observe(result.latency)
    ledger.probeLatency = result.verdict === 'pass' ? result.latency : null
    ledger.recent.probeEnded(sentAt, result)
    // While it still shows how long the silence was that it ends.
    if (answered) {
      ledger.heard(now)
      ledger.evidence.probeAnswered(result.verdict === 'pass', now)
    }
    this.watch.probeEnded(ledger.id, sentAt, answered)
  }

  /** The control: when they do not answer either, it may be us (R8). */
  probeStandbys(): void {
    const active = this.duties.route().active
    for (const { id, admin } of this.duties.state().upstreams) {
      if (id !== active && admin.state !== 'disabled') this.duties.probeNow(id)
    }
  }

  private probeActive(): void {
    const { active } = this.duties.route()
    if (active !== null) this.duties.probeNow(active)
  }

  /** The active, as long as it is worth suspecting. */
  private watched(): UpstreamLedger | null {
    const { active } = this.duties.route()
    const { phase, upstreams } = this.duties.state()
    if (active === null || phase !== 'serving') return null
    const ejection = upstreams.find(({ id }) => id === active)?.ejection
    if (ejection && this.clock.now() < ejection.until) return null
    return this.ledgers.get(active) ?? null
  }

  /** Another upstream could take over, and it answers faster than silence of the active becomes suspicious. */
  private standbyFast(): boolean {
    const now = this.clock.now()
    const { active } = this.duties.route()
    return this.duties.state().upstreams.some((upstream) => {
      if (upstream.id === active || ineligible(upstream, now) !== null) return false
      const latency = this.ledgers.get(upstream.id)?.probeLatency ?? null
      return latency !== null && latency <= this.watch.suspectAfter
    })
  }
}
