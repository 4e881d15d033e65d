/** Keeps the account of one session: what failed on the way, who took it, how it ended; settles it once, at the end. */
import type { Failure } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Rescue } from '../runtime/counters.ts'
import type { AttemptRecord, SessionError } from './access-log.ts'
import type { TcpPool } from './tcp-pool.ts'

/** Nothing is added to it, so that sessions without a failed attempt can share it. */
const NO_ATTEMPTS: readonly AttemptRecord[] = []

export class SessionAccount {
  bytesIn = 0
  /** How it would have failed without us, if it comes to something. */
  rescue: Rescue | null = null
  error: SessionError | null = null
  private rescued: Rescue | null = null
  private upstream: UpstreamId | null = null
  private epoch: number | null = null
  private attempts = NO_ATTEMPTS
  private readonly pool: TcpPool
  private readonly from: Readonly<{ listener: string; client: string }>
  private readonly startedAt: Millis

  constructor(pool: TcpPool, from: Readonly<{ listener: string; client: string }>) {
    this.pool = pool
    this.from = from
    this.startedAt = pool.clock.now()
  }

  failed(failure: Failure, upstream: UpstreamId): void {
    const elapsed = Math.round(this.pool.clock.now() - this.startedAt)
    this.attempts = [...this.attempts, { upstream, failure: `${failure.kind} ${failure.phase}`, ms: elapsed }]
  }

  taken(upstream: UpstreamId, epoch: number): void {
    this.upstream = upstream
    this.epoch = epoch
  }

  /** The upstream that took it has answered, or has come to a regular end: a session that had to be rescued is. */
  served(): void {
    if (this.rescue === null || this.rescued !== null) return
    this.rescued = this.rescue
    this.pool.runtime.counters.rescued.add(this.rescue)
  }

  /** Its length says nothing of how fast anybody answers, so it is kept out of the durations of requests. */
  settle(bytesOut: number): void {
    const { pool, bytesIn, upstream, attempts, error, from } = this
    if (error === null) this.served()
    pool.access?.({
      ...from,
      pool: pool.runtime.name,
      upstream,
      epoch: this.epoch ?? pool.runtime.route.epoch,
      bytesIn,
      bytesOut,
      duration: ms(pool.clock.now() - this.startedAt),
      attempts,
      rescued: this.rescued,
      error,
    })
  }
}
