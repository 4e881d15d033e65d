/**
 * Watches the active upstream of one pool: looks every 20 ms for silence (rule R3) and for requests that stall (R5), asks
 * for confirming and control probes, has overdue requests hedged, and convicts only after pending I/O has been read.
 * Discards everything after a standstill of our own.
 */
import type { Doubt } from '../core/doubt.ts'
import type { Conviction } from '../core/ejection.ts'
import { GRAY_FOR, GrayFailure } from '../core/gray.ts'
import type { Pressure } from '../core/outstanding.ts'
import type { HangPolicy } from '../core/suspicion.ts'
import { Suspicion } from '../core/suspicion.ts'
import type { Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolCounters } from './counters.ts'
import type { UpstreamLedger } from './ledger.ts'
import type { Watching, WatchTimer } from './watch-timer.ts'
import { WATCH_EVERY } from './watch-timer.ts'

export type ActiveWatchDuties = Readonly<{
  active(): UpstreamLedger | null
  ledgers(): Iterable<UpstreamLedger>
  probeActive(): void
  /** The control: when they do not answer either, it may be us. */
  probeStandbys(): void
  /** A standby is fit, and its last probe was answered at once. */
  standbyFast(): boolean
  convict(ledger: UpstreamLedger, conviction: Conviction): void
  /** The doubt is over, one way or the other: what waited for it may go on. */
  settled(): void
  counters: PoolCounters
  timer: WatchTimer
}>

/** Between two looks this much more than the interval means that we stood still, not they. */
const OWN_STALL = 100
/** No silence is improbable before this, ms: a garbage collection or two, here or there. */
const SHORTEST_HESITATION = 20
const IMPROBABLE = 1
/** Φ from which requests that are overdue are hedged although bytes still come. */
const STALLING = 3

export class ActiveWatch implements Watching {
  private readonly suspicion: Suspicion
  private readonly gray: GrayFailure | null
  private readonly clock: Clock
  private readonly duties: ActiveWatchDuties
  /** Probes under way, by upstream: when the oldest of them was sent. */
  private readonly pending = new Map<UpstreamId, Millis[]>()
  private lastLook: Millis
  /** Requests wait until a run of errors is over. */
  private waitsForErrors = false

  constructor(policy: HangPolicy & Readonly<{ gray: boolean }>, clock: Clock, duties: ActiveWatchDuties) {
    this.suspicion = new Suspicion(policy)
    this.gray = policy.gray ? new GrayFailure() : null
    this.clock = clock
    this.duties = duties
    this.lastLook = clock.now()
  }

  start(): void {
    this.lastLook = this.clock.now()
    this.duties.timer.add(this)
  }

  stop(): void {
    this.duties.timer.remove(this)
  }

  /** Another active: what was known of the last one says nothing of it. */
  reset(): void {
    for (const ledger of this.duties.ledgers()) {
      ledger.onNextByte = null
      ledger.onErrorsOver = null
    }
    this.waitsForErrors = false
    this.gray?.reset()
    this.suspicion.reset()
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    const sent = this.pending.get(id)
    if (sent) sent.push(at)
    else this.pending.set(id, [at])
  }

  probeEnded(id: UpstreamId, sentAt: Millis, answered: boolean): void {
    const sent = this.pending.get(id) ?? []
    const index = sent.indexOf(sentAt)
    if (index >= 0) sent.splice(index, 1)
    if (answered && this.duties.active()?.id !== id) this.suspicion.controlPassed(sentAt, this.clock.now())
  }

  /** Silence that makes a suspect, ms. */
  get suspectAfter(): number {
    return this.suspicion.suspectAfter
  }

  get doubt(): Doubt {
    return this.suspicion.doubt
  }

  /** It has survived longer silences lately: what its probes say of this one is for rule R3 to judge. */
  bears(id: UpstreamId, now: Millis): boolean {
    const ledger = this.duties.active()
    if (ledger === null || ledger.id !== id) return false
    return this.suspicion.bears(now - ledger.evidence.lastByteAt, now)
  }

  /** As an unsafe request wants to know it, which cannot wait for the next look: each one sent now may be lost. */
  doubtAt(now: Millis): Doubt {
    const { doubt } = this.suspicion
    if (doubt !== 'none') return doubt
    const ledger = this.duties.active()
    if (ledger === null) return 'none'
    return this.hesitatesOverErrors(ledger, now) || this.hesitatesOverSilence(ledger, now) ? 'hesitant' : 'none'
  }

  /** It fails one request after another, and there is somebody to take over: what cannot be sent twice waits until it is clear. */
  private hesitatesOverErrors(ledger: UpstreamLedger, now: Millis): boolean {
    if (!ledger.evidence.errorRun.goesOn(now) || !this.duties.standbyFast()) return false
    this.waitsForErrors = true
    ledger.onErrorsOver = () => this.errorsAreOver()
    return true
  }

  private errorsAreOver(): void {
    if (!this.waitsForErrors) return
    this.waitsForErrors = false
    this.duties.settled()
  }

  private hesitatesOverSilence(ledger: UpstreamLedger, now: Millis): boolean {
    const { evidence } = ledger
    const since = evidence.silentSince(null)
    if (since === null || now - since <= SHORTEST_HESITATION) return false
    const improbable = evidence.improbableSilence(now)
    if (improbable === null) return false
    const silence = now - Math.max(since, ledger.lastByteElsewhere)
    if (silence <= Math.max(SHORTEST_HESITATION, Math.min(improbable, this.suspicion.suspectAfter))) return false
    if (evidence.outstanding.assess(ledger.answerTimes, now).phi < IMPROBABLE) return false
    this.suspicion.hesitate()
    this.listen(ledger)
    // What is held provokes no byte, so that somebody has to ask.
    this.duties.probeActive()
    return true
  }

  look(now: Millis): void {
    const stall = now - this.lastLook - WATCH_EVERY
    this.lastLook = now
    if (stall >= OWN_STALL) return this.discard(now)
    const ledger = this.duties.active()
    if (!ledger) return this.suspicion.reset()
    if (this.nothingIsDue(ledger)) return this.gray?.reset()
    const { evidence, answerTimes } = ledger
    if (!evidence.errorRun.goesOn(now)) this.errorsAreOver()
    const pressure = evidence.outstanding.assess(answerTimes, now)
    this.lookForHang(ledger, pressure, now)
    const good = evidence.recentlyGood(now)
    const stalls = pressure.phi >= STALLING && pressure.overdue > good
    if (stalls || this.suspicion.doubt === 'suspect') evidence.outstanding.tellOverdue(answerTimes, now)
    if (this.gray?.check(pressure, good, this.duties.standbyFast(), now)) this.convictGray(ledger, pressure)
  }

  private nothingIsDue(ledger: UpstreamLedger): boolean {
    if (this.suspicion.doubt !== 'none' || this.waitsForErrors) return false
    return ledger.evidence.outstanding.oldestSince === null && this.oldestProbe(ledger) === null
  }

  private lookForHang(ledger: UpstreamLedger, pressure: Pressure, now: Millis): void {
    switch (this.check(ledger, pressure, now)) {
      case 'none':
        return
      case 'confirm':
        this.duties.counters.suspicions++
        this.listen(ledger)
        return this.probe()
      case 'confirm-again':
        return this.probe()
      case 'convict':
        // Timers run before I/O: the answer that refutes may lie in a socket buffer, unread.
        return this.clock.afterPendingIo(() => this.convictIfStillSilent(ledger))
    }
  }

  private check(ledger: UpstreamLedger, { phi }: Pressure, now: Millis) {
    const oldest = this.oldestProbe(ledger)
    this.listenElsewhere(ledger, oldest)
    const probe = oldest === null ? 0 : now - oldest
    return this.suspicion.check({ since: ledger.evidence.silentSince(oldest), probe, phi }, now)
  }

  /** An upstream that speaks to another thread is not silent. */
  private listenElsewhere(ledger: UpstreamLedger, oldestProbe: Millis | null): void {
    const { evidence, lastByteElsewhere } = ledger
    const silentSince = evidence.silentSince(oldestProbe) ?? evidence.lastByteAt
    if (lastByteElsewhere > silentSince) ledger.heardElsewhere(lastByteElsewhere)
  }

  private oldestProbe(ledger: UpstreamLedger): Millis | null {
    return this.pending.get(ledger.id)?.[0] ?? null
  }

  private probe(): void {
    this.duties.probeActive()
    this.duties.probeStandbys()
  }

  /** One byte from anywhere refutes. */
  private listen(ledger: UpstreamLedger): void {
    ledger.onNextByte = (now) => {
      const since = ledger.evidence.silentSince(this.oldestProbe(ledger)) ?? now
      const was = this.suspicion.heard(now - since, now)
      if (was === 'suspect') this.duties.counters.refuted++
      if (was !== 'none') this.duties.settled()
    }
  }

  private convictIfStillSilent(ledger: UpstreamLedger): void {
    if (this.duties.active() !== ledger || this.suspicion.doubt !== 'suspect') return
    const now = this.clock.now()
    const pressure = ledger.evidence.outstanding.assess(ledger.answerTimes, now)
    if (this.check(ledger, pressure, now) !== 'convict') return
    this.reset()
    const silence = Math.round(now - ledger.evidence.lastByteAt)
    const { inFlight } = ledger
    const detail = `no byte for ${silence} ms with ${inFlight} requests in flight; probes unanswered; a standby answered`
    const figures = {
      silenceMs: silence,
      inFlight,
      phi: tenths(pressure.phi),
      hangAfterMs: this.suspicion.hangAfter(now),
    }
    const { lastByteAt } = ledger.evidence
    this.duties.convict(ledger, { rule: 'hang', detail, figures })
    ledger.onNextByte = (at) => this.suspicion.provedWrong(at - lastByteAt, at)
    this.duties.settled()
  }

  private convictGray(ledger: UpstreamLedger, { phi, classes, overdue }: Pressure): void {
    this.gray?.reset()
    const detail = `${overdue} requests of ${classes} kinds have stalled for ${GRAY_FOR / 1000} s although probes pass; a standby answers at once`
    this.duties.convict(ledger, { rule: 'gray', detail, figures: { phi: tenths(phi), classes, overdue } })
  }

  private discard(now: Millis): void {
    this.reset()
    for (const ledger of this.duties.ledgers()) ledger.evidence.forget(now)
    this.duties.settled()
  }
}

const tenths = (value: number): number => Math.round(value * 10) / 10
