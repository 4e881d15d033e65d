/**
 * How long a server keeps idle connections, learned from those that it closes. A request that is written at the moment
 * of the close is lost, and one that cannot be repeated is lost for good.
 */
import type { Millis } from '../core/time.ts'

/** What was learned from a close is doubted by half after this, ms: a restart closes everything, whatever its age. */
const DOUBLES_IN = 10_000
/** A server that closes sooner than this may do so while we are busy with something else, ms. */
const HASTY = 1_000

export class IdleHabit {
  private closesAfter = Number.POSITIVE_INFINITY
  private learnedAt: Millis

  constructor(now: Millis) {
    this.learnedAt = now
  }

  /** It closed a connection that had been idle for `age` ms. */
  closed(age: number, now: Millis): void {
    if (age >= this.usual(now)) return
    this.closesAfter = age
    this.learnedAt = now
  }

  /** A connection idle for less than this is not about to be closed, ms; 0: any may be. */
  trusted(now: Millis): number {
    const usual = this.usual(now)
    return usual < HASTY ? 0 : usual / 2
  }

  private usual(now: Millis): number {
    return this.closesAfter * 2 ** ((now - this.learnedAt) / DOUBLES_IN)
  }
}
