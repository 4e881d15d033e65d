/** What one client connection may take its time for, and how long: one deadline at a time, and the limit on stalls. */
import type { Clock, Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { ClientLimits } from './limits.ts'
import type { Refusal } from './request-head.ts'

/** How long a closed connection is still read, so that what was written last is not lost to a reset (RFC 9112 §9.6). */
const LINGER = 2_000
/** A client that has sent FIN may have left or may only have finished sending; after this long it is asked. */
const ASK_AFTER_FIN = 100
/** Behind the end of the stream nobody reads any more, so its reset shows when something is written again. */
const MOST_ASKED = 2
const NEVER = ms(Number.POSITIVE_INFINITY)

export class ClientDeadlines {
  private readonly clock: Clock
  private readonly limits: ClientLimits
  private deadline: Millis = NEVER
  private stalledSince: Millis | null = null
  private bodyBytes = 0
  private bodyBegun = false
  private timesAsked = 0

  constructor(clock: Clock, limits: ClientLimits) {
    this.clock = clock
    this.limits = limits
    this.idle()
  }

  // ---- what is waited for ----------------------------------------------------------------------------------------

  idle(): void {
    this.stalledSince = null
    this.deadline = this.inMs(this.limits.idleTimeout)
  }

  headBegun(): void {
    this.deadline = this.inMs(this.limits.headTimeout)
  }

  bodyExpected(): void {
    this.bodyBytes = 0
    this.bodyBegun = false
    this.deadline = this.inMs(this.limits.bodyRateEvery)
  }

  bodyRead(count: number): void {
    this.bodyBytes += count
    this.bodyBegun = true
  }

  /** It did not come because we did not read: as good as enough of it. */
  bodyResumed(): void {
    this.bodyBytes = this.limits.bodyRate * this.limits.bodyRateEvery
  }

  /** The client waits, not we. */
  none(): void {
    this.deadline = NEVER
  }

  /** The client, which waits for its answer, has sent FIN. */
  fin(): void {
    this.timesAsked = 0
    this.deadline = this.inMs(ASK_AFTER_FIN)
  }

  asked(): void {
    this.deadline = ++this.timesAsked < MOST_ASKED ? this.inMs(ASK_AFTER_FIN) : NEVER
  }

  tunnel(): void {
    this.deadline = NEVER
    this.stalledSince = null
  }

  linger(pending: number): void {
    this.deadline = this.inMs(LINGER)
    this.stalledSince = pending > 0 ? this.clock.now() : null
  }

  /** What `taken` says is passed on. */
  wrote(taken: boolean): boolean {
    if (!taken) this.stalledSince ??= this.clock.now()
    return taken
  }

  writable(): void {
    this.stalledSince = null
  }

  // ---- looks -----------------------------------------------------------------------------------------------------

  stalled(now: Millis): boolean {
    return this.stalledSince !== null && now - this.stalledSince > this.limits.writeStall
  }

  due(now: Millis): boolean {
    return now >= this.deadline
  }

  get lateHead(): Refusal {
    return { status: 408, reason: `no complete head within ${this.limits.headTimeout} ms` }
  }

  /** Whether too little has come since the last look. `excused`: nobody read more. */
  slowBody(expectsContinue: boolean, excused: boolean): Refusal | null {
    const { bodyRate, bodyRateEvery } = this.limits
    this.deadline = this.inMs(bodyRateEvery)
    // Until it is told to continue, a client that asked may rightly send nothing.
    const asked = expectsContinue && !this.bodyBegun
    const enough = asked || excused || this.bodyBytes * 1000 >= bodyRate * bodyRateEvery
    this.bodyBytes = 0
    return enough ? null : { status: 408, reason: `request body slower than ${bodyRate} bytes a second` }
  }

  private inMs(delay: number): Millis {
    return ms(this.clock.now() + delay)
  }
}
