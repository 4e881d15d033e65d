/** One attempt of a simulated request: tells the ledger what `http/attempt.ts` would, in the same order. */
import { NO_CLASS } from '../../src/core/answer-times.ts'
import type { Failure, FailureKind, FailurePhase } from '../../src/core/failure.ts'
import type { Awaited } from '../../src/core/outstanding.ts'
import type { Cancel, Millis } from '../../src/core/time.ts'
import { ms } from '../../src/core/time.ts'
import type { Kind } from './load.ts'
import type { Client, Reply } from './origin.ts'
import type { Side } from './side.ts'

export interface AttemptOwner {
  readonly kind: Kind
  onAnswer(attempt: SimulatedAttempt, status: number): void
  onFailed(attempt: SimulatedAttempt, failure: Failure): void
  onOverdue(): void
  keepsWaiting(failure: Failure): boolean
}

/** The configuration's default. */
const CONNECT_WITHIN = 400

export class SimulatedAttempt implements Awaited, Client {
  awaitedSince: Millis = ms(0)
  awaitedClass = NO_CLASS
  earlier: Awaited | null = null
  later: Awaited | null = null
  readonly side: Side
  private readonly owner: AttemptOwner
  /** Sent after another upstream had failed the same request: no evidence. */
  private readonly suspect: boolean
  private phase: FailurePhase = 'connecting'
  private fresh = true
  private over = false
  private letGo: Cancel = () => {}

  constructor(side: Side, owner: AttemptOwner, suspect: boolean) {
    this.side = side
    this.owner = owner
    this.suspect = suspect
  }

  start(fresh: boolean): void {
    const { side } = this
    side.ledger.attemptStarted()
    side.attempts.add(this)
    this.fresh = fresh || !side.takeConnection()
    if (this.fresh) this.connect()
    else this.send()
  }

  onConnected(): void {
    if (this.over) return
    const { ledger, clock } = this.side
    const now = clock.now()
    ledger.evidence.connected()
    this.letGo()
    const since = this.awaitedSince
    ledger.waitEnded(this)
    ledger.connectionTook(now - since, now)
    this.send()
  }

  onReply({ status, whole }: Reply): void {
    if (this.over) return
    const { ledger, clock } = this.side
    const now = clock.now()
    ledger.heard(now)
    ledger.answerCame(this, now)
    ledger.attemptAnswered(status, status >= 500 ? this.owner.kind.routeClass : '', now)
    this.phase = 'held'
    if (!whole) return this.fail('truncated')
    ledger.attemptDelivered(status, this.awaitedSince, now)
    this.side.returnConnection()
    this.end()
    this.owner.onAnswer(this, status)
  }

  onBroken(kind: 'refused' | 'reset'): void {
    if (!this.over) this.fail(kind)
  }

  onOverdue(): void {
    this.owner.onOverdue()
  }

  /** The pool gives up on its upstream: it may be sent elsewhere, or goes on waiting. */
  abandon(): void {
    const failure = this.failure('hang')
    if (this.over || this.owner.keepsWaiting(failure)) return
    this.end()
    this.owner.onFailed(this, failure)
  }

  get waits(): boolean {
    return !this.over
  }

  cancel(): void {
    if (!this.over) this.end()
  }

  failureOf(status: number): Failure {
    return { ...this.failure('status'), status }
  }

  private connect(): void {
    const { ledger, clock, origin } = this.side
    ledger.awaitConnection(this, clock.now())
    const deadline = clock.after(CONNECT_WITHIN, () => this.fail('timeout'))
    const connecting = origin.connect(this)
    this.letGo = () => {
      deadline()
      connecting()
    }
  }

  private send(): void {
    const { ledger, clock, origin } = this.side
    const { kind } = this.owner
    this.phase = 'awaiting-head'
    ledger.awaitAnswer(this, kind, clock.now())
    const pace = origin.pace.size === 0 ? 1 : (origin.pace.get(kind.target) ?? 1)
    origin.serve(this, pace * kind.takes(this.side.random), this.side.replyFor(kind))
  }

  private fail(kind: FailureKind): void {
    const { ledger, clock } = this.side
    const failure = this.failure(kind)
    this.end()
    const excused = this.suspect && failure.phase !== 'connecting'
    if (!excused) ledger.attemptFailed(failure, this.owner.kind.routeClass, clock.now())
    this.owner.onFailed(this, failure)
  }

  private end(): void {
    const { side } = this
    this.over = true
    this.letGo()
    side.ledger.waitEnded(this)
    side.origin.forget(this)
    side.attempts.delete(this)
    side.ledger.attemptEnded()
  }

  private failure(kind: FailureKind): Failure {
    const connection = this.fresh ? 'fresh' : 'reused'
    return { phase: this.phase, blame: 'upstream', connection, kind, detail: kind, status: 0 }
  }
}
