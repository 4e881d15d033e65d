/**
 * How many requests a client may take back (CVE-2023-44487, "rapid reset"): a reset frees its place among the concurrent
 * streams at once, so that limit alone does not bound the work that one connection causes.
 */
import type { Millis } from '../core/time.ts'

const SECOND = 1_000
const MOST_A_SECOND = 100
/** More resets than answers, all in all: clients with short deadlines come nowhere near it while they are served. */
const MOST_UNANSWERED = 1_000

export class ResetLimit {
  private since: Millis
  private recent = 0
  private unanswered = 0

  constructor(now: Millis) {
    this.since = now
  }

  answered(): void {
    if (this.unanswered > 0) this.unanswered--
  }

  /** Counts one. Returns whether it is one too many. */
  reset(now: Millis): boolean {
    if (now - this.since >= SECOND) {
      this.since = now
      this.recent = 0
    }
    this.recent++
    this.unanswered++
    return this.recent > MOST_A_SECOND || this.unanswered > MOST_UNANSWERED
  }
}
