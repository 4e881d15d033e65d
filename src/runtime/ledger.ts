/** One upstream's running account: what is in flight on it, what its attempts reported, how to end its traffic. */
import type { AnswerTimes } from '../core/answer-times.ts'
import { NO_CLASS } from '../core/answer-times.ts'
import type { Evidence, Finding } from '../core/evidence.ts'
import type { Failure } from '../core/failure.ts'
import type { Awaited } from '../core/outstanding.ts'
import type { Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { UpstreamCounters } from './counters.ts'
import { Recent } from './recent.ts'

/** What a transport (HTTP, TCP) can do to the traffic of one upstream. Registered once, called when the pool decides. */
export interface TrafficControl {
  /** Attempts fail now with kind `hang`, where there is a better way than to keep waiting: a replay, a resume. */
  abandonWaiting(detail: string): void
  /** Everything in flight and every idle connection ends now. */
  closeRequests(): void
  /** Tunnels end, at random moments within `spread` ms. */
  closeTunnels(spread: number): void
  /** Connections open or being opened: in use, and idle. */
  readonly connections: number
  /** Null: any number of them. */
  readonly maxConnections: number | null
  /** Sees to it that `count` are ready for use. `done` comes once each is open or has failed, which may be at once. */
  preconnect(count: number, done: () => void): void
  /** Returns once everything asked of it is done, where that is not so at once anyway. */
  confirm?(): void
}

/** Traffic of one upstream that is counted elsewhere. */
export type Load = Readonly<{ inFlight: number; tunnels: number }>

/** What is known of an upstream, and of how long answers of its pool take. */
export type Known = Readonly<{ evidence: Evidence; answerTimes: AnswerTimes }>

const NEVER = ms(0)

export type LastOutcome = Readonly<{ at: Millis; what: string }>

export class UpstreamLedger {
  readonly id: UpstreamId
  readonly evidence: Evidence
  /** Of the whole pool. */
  readonly answerTimes: AnswerTimes
  /** It is the active: how long it takes is what is usual. */
  exemplary = false
  /** Of its last probe, if that passed, ms. */
  probeLatency: number | null = null
  /** Called at the next byte, once: it ends all doubt. */
  onNextByte: ((now: Millis) => void) | null = null
  /** Called when a good answer ends a run of errors. */
  onErrorsOver: (() => void) | null = null
  readonly counters = new UpstreamCounters()
  readonly recent = new Recent()
  readonly traffic: TrafficControl[] = []
  inFlight = 0
  /** Called at the next answer, once. */
  onFirstAnswer: ((now: Millis) => void) | null = null
  tunnels = 0
  private lastAt: Millis | null = null
  private lastStatus = 0
  private lastFailure: Failure | null = null
  private readonly idleWaiters: (() => void)[] = []
  /** Of those who count elsewhere: how many are still to tell what they had in flight when they got the route. */
  private reportsDue = 0
  private readonly onFinding: (finding: Finding) => void

  constructor(id: UpstreamId, { evidence, answerTimes }: Known, onFinding: (finding: Finding) => void) {
    this.id = id
    this.evidence = evidence
    this.answerTimes = answerTimes
    this.onFinding = onFinding
  }

  /** Null until the first attempt has ended. */
  get lastOutcome(): LastOutcome | null {
    if (this.lastAt === null) return null
    if (this.lastFailure) return { at: this.lastAt, what: this.lastFailure.detail }
    return { at: this.lastAt, what: this.lastStatus === 0 ? 'took a connection' : `answered ${this.lastStatus}` }
  }

  /** Connections to it; `max`: null where any number may be open. */
  get connections(): Readonly<{ open: number; max: number | null }> {
    let open = 0
    for (const { connections } of this.traffic) open += connections
    return { open, max: this.traffic[0]?.maxConnections ?? null }
  }

  attemptStarted(): void {
    this.inFlight++
  }

  /** It has taken a connection. */
  connected(): void {
    this.counters.connects++
    this.evidence.connected()
  }

  /** Any byte from any of its sockets. */
  heard(now: Millis): void {
    // While the silence that it ends can still be told.
    this.endDoubt(now)
    this.evidence.byte(now)
  }

  /** When another thread last heard a byte from it: never, where there is no other. */
  get lastByteElsewhere(): Millis {
    return NEVER
  }

  /** That byte proves as much as one of our own. */
  heardElsewhere(at: Millis): void {
    this.endDoubt(at)
    this.evidence.byteElsewhere(at)
  }

  awaitConnection(wait: Awaited, now: Millis): void {
    this.evidence.outstanding.add(wait, this.answerTimes.connecting, now)
  }

  connectionTook(time: number, now: Millis): void {
    this.answerTimes.record(this.answerTimes.connecting, time, now)
  }

  /** The whole request is on its way. */
  awaitAnswer(wait: Awaited, request: Readonly<{ method: string; target: string }>, now: Millis): void {
    this.evidence.outstanding.add(wait, this.answerTimes.classOf(request.method, request.target, now), now)
  }

  /** The head of an answer is here. */
  answerCame(wait: Awaited, now: Millis): void {
    const { awaitedClass, awaitedSince } = wait
    if (awaitedClass === NO_CLASS) return
    this.evidence.outstanding.remove(wait)
    if (this.exemplary) this.answerTimes.record(awaitedClass, now - awaitedSince, now)
  }

  /** Nothing will come. */
  waitEnded(wait: Awaited): void {
    this.evidence.outstanding.remove(wait)
  }

  /** It sends a connection away. */
  goawayCame(now: Millis): void {
    const finding = this.evidence.sentAway(now)
    if (finding) this.onFinding(finding)
  }

  /** A connection has become a tunnel, which ends when either side wants it to. */
  tunnelOpened(): void {
    this.tunnels++
  }

  tunnelClosed(): void {
    this.tunnels--
  }

  /** A TCP session is established. */
  sessionTaken(now: Millis): void {
    this.counters.sessions++
    this.lastAt = now
    this.lastStatus = 0
    this.lastFailure = null
  }

  /** A final response head arrived. */
  attemptAnswered(status: number, routeClass: string, now: Millis, latency: number | null = null): void {
    const hundreds = Math.floor(status / 100)
    this.counters.answers[hundreds] = (this.counters.answers[hundreds] ?? 0) + 1
    this.lastAt = now
    this.lastStatus = status
    this.lastFailure = null
    this.answerBegan(now)
    if (status >= 500) this.recent.attemptFailed({ at: now, routeClass, what: `answered ${status}`, latency })
    const finding = this.evidence.answered(status, routeClass, now)
    if (finding) this.onFinding(finding)
  }

  /** Of a request, or the first byte of a TCP session. */
  answerBegan(now: Millis): void {
    const { onFirstAnswer } = this
    if (onFirstAnswer === null) return
    this.onFirstAnswer = null
    onFirstAnswer(now)
  }

  /** The answer came to its end as it should. */
  attemptDelivered(status: number, sentAt: Millis, now: Millis): void {
    if (this.evidence.delivered(status, sentAt, now)) this.onErrorsOver?.()
  }

  attemptFailed(failure: Failure, routeClass: string, now: Millis, latency: number | null = null): void {
    if (failure.blame !== 'client') {
      this.counters.failures.add(failure.kind)
      this.lastAt = now
      this.lastFailure = failure
      this.recent.attemptFailed({ at: now, routeClass, what: `${failure.detail} (${failure.phase})`, latency })
    }
    const finding = this.evidence.failed(failure, routeClass, now)
    if (finding) this.onFinding(finding)
  }

  /** The attempt is over, however it went. */
  attemptEnded(): void {
    this.inFlight--
    this.noteIdle()
  }

  /** Calls back once nothing is in flight; at once when nothing is. */
  whenIdle(done: () => void): void {
    this.idleWaiters.push(done)
    this.noteIdle()
  }

  /** Somebody else's count has changed. */
  loadChanged(before: Load, after: Load): void {
    this.inFlight += after.inFlight - before.inFlight
    this.tunnels += after.tunnels - before.tunnels
    this.noteIdle()
  }

  /** Until then nobody can say that nothing is in flight. */
  reportDue(): void {
    this.reportsDue++
  }

  reportCame(): void {
    this.reportsDue--
    this.noteIdle()
  }

  private endDoubt(now: Millis): void {
    const { onNextByte } = this
    if (onNextByte === null) return
    this.onNextByte = null
    onNextByte(now)
  }

  private noteIdle(): void {
    if (this.inFlight > 0 || this.reportsDue > 0) return
    for (const done of this.idleWaiters.splice(0)) done()
  }
}
