/** One upstream's running account: what is in flight on it, what its attempts reported, how to end its traffic. */
import type { Evidence, Finding } from '../core/evidence.ts'
import type { Failure } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { UpstreamCounters } from './counters.ts'

/** What a transport (HTTP, TCP) can do to the traffic of one upstream. Registered once, called when the pool decides. */
export interface TrafficControl {
  /** Attempts still without a byte of an answer fail now with kind `hang`; each may be replayed or keep waiting. */
  abandonWaiting(detail: string): void
  /** Everything in flight and every idle connection ends now. */
  closeRequests(): void
  /** Tunnels end, at random moments within `spread` ms. */
  closeTunnels(spread: number): void
}

export type LastOutcome = Readonly<{ at: Millis; what: string }>

export class UpstreamLedger {
  readonly id: UpstreamId
  readonly evidence: Evidence
  readonly counters = new UpstreamCounters()
  readonly traffic: TrafficControl[] = []
  inFlight = 0
  /** Called at the next answer, once. */
  onFirstAnswer: ((now: Millis) => void) | null = null
  tunnels = 0
  private lastAt: Millis | null = null
  private lastStatus = 0
  private lastFailure: Failure | null = null
  private readonly idleWaiters: (() => void)[] = []
  private readonly onFinding: (finding: Finding) => void

  constructor(id: UpstreamId, evidence: Evidence, onFinding: (finding: Finding) => void) {
    this.id = id
    this.evidence = evidence
    this.onFinding = onFinding
  }

  /** Null until the first attempt has ended. */
  get lastOutcome(): LastOutcome | null {
    if (this.lastAt === null) return null
    if (this.lastFailure) return { at: this.lastAt, what: this.lastFailure.detail }
    return { at: this.lastAt, what: this.lastStatus === 0 ? 'took a connection' : `answered ${this.lastStatus}` }
  }

  attemptStarted(): void {
    this.inFlight++
  }

  /** A TCP session is established. */
  sessionTaken(now: Millis): void {
    this.counters.sessions++
    this.tunnels++
    this.lastAt = now
    this.lastStatus = 0
    this.lastFailure = null
  }

  /** A final response head arrived. */
  attemptAnswered(status: number, routeClass: string, now: Millis): void {
    const hundreds = Math.floor(status / 100)
    this.counters.answers[hundreds] = (this.counters.answers[hundreds] ?? 0) + 1
    this.lastAt = now
    this.lastStatus = status
    this.lastFailure = null
    if (this.onFirstAnswer) {
      this.onFirstAnswer(now)
      this.onFirstAnswer = null
    }
    const finding = this.evidence.answered(status, routeClass, now)
    if (finding) this.onFinding(finding)
  }

  /** The answer came to its end as it should. */
  attemptDelivered(status: number, now: Millis): void {
    this.evidence.delivered(status, now)
  }

  attemptFailed(failure: Failure, routeClass: string, now: Millis): void {
    if (failure.blame !== 'client') {
      this.counters.failures.add(failure.kind)
      this.lastAt = now
      this.lastFailure = failure
    }
    const finding = this.evidence.failed(failure, routeClass, now)
    if (finding) this.onFinding(finding)
  }

  /** The attempt is over, however it went. */
  attemptEnded(): void {
    this.inFlight--
    if (this.inFlight === 0) for (const done of this.idleWaiters.splice(0)) done()
  }

  /** Calls back once nothing is in flight; at once when nothing is. */
  whenIdle(done: () => void): void {
    if (this.inFlight === 0) done()
    else this.idleWaiters.push(done)
  }
}
