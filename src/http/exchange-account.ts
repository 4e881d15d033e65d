/** Keeps the account of one exchange: when it began, what failed on the way, how it ended; settles it once, at the end. */
import type { Failure } from '../core/failure.ts'
import type { RestRefusal } from '../core/resume.ts'
import type { Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Rescue } from '../runtime/counters.ts'
import type { AttemptRecord } from './access-log.ts'
import type { Exchange } from './exchange.ts'
import type { HttpPool } from './http-pool.ts'

/** Nothing is added to it, so that requests without a failed attempt can share it. */
const NO_ATTEMPTS: readonly AttemptRecord[] = []

export class ExchangeAccount {
  requestId = ''
  startedAt: Millis
  /** Of the answer; 0 until there is one. */
  status = 0
  bytes = 0
  /** How it would have failed without us, if it ends well. */
  rescue: Rescue | null = null
  /** A trial is on, and the request is one of those that it is decided by. */
  compared = false
  private attempts = NO_ATTEMPTS
  private readonly pool: HttpPool

  constructor(pool: HttpPool) {
    this.pool = pool
    this.startedAt = pool.clock.now()
  }

  open(requestId: string): void {
    this.requestId = requestId
    this.startedAt = this.pool.clock.now()
    this.status = 0
    this.bytes = 0
    this.rescue = null
    this.compared = false
    this.attempts = NO_ATTEMPTS
  }

  failed(failure: Failure, upstream: UpstreamId | null): void {
    if (this.compared && upstream !== null) this.pool.runtime.trial.failed(upstream, failure)
    this.note(`${failure.kind} ${failure.phase}`, upstream)
  }

  /** It answered, but not with the rest of what had been cut off. */
  notResumed(refusal: RestRefusal, upstream: UpstreamId | null): void {
    this.note(`not resumed: ${refusal}`, upstream)
  }

  private note(failure: string, upstream: UpstreamId | null): void {
    const elapsed = ms(Math.round(this.pool.clock.now() - this.startedAt))
    this.attempts = [...this.attempts, { upstream: upstream ?? '', failure, ms: elapsed }]
  }

  /** `error`: null when the upstream's answer was delivered whole. */
  settle(exchange: Exchange, upstream: UpstreamId | null, error: string | null): void {
    const { pool, requestId, status, bytes, attempts } = this
    const { counters, route } = pool.runtime
    const duration = ms(pool.clock.now() - this.startedAt)
    // Another upstream's error instead of the first one's is no rescue.
    const rescued = error === null && status < 500 ? this.rescue : null
    counters.durations.observe(duration)
    if (this.compared && upstream !== null && error === null) {
      pool.runtime.trial.answered(upstream, status, attempts.length === 0 ? duration : null)
    }
    if (rescued) counters.rescued.add(rescued)
    const { epoch } = route
    pool.access?.(exchange, { requestId, status, bytes, duration, upstream, epoch, attempts, rescued, error })
  }
}
