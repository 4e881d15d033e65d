/**
 * Errors of several kinds of requests, and no good answer to anything that was sent since the first: perhaps a failure,
 * perhaps not. Grounds for doubt, not for a verdict: what cannot be sent twice waits a moment.
 */
import type { Millis } from './time.ts'

/** From its first error, ms. A failure has led to a verdict by then; if not, waiting for one costs more than it saves. */
const LASTS = 250

export class ErrorRun {
  private since: Millis | null = null
  private firstClass = ''
  /** One broken path alone is no reason to make others wait. */
  private several = false

  failed(routeClass: string, now: Millis): void {
    if (this.since === null || now - this.since > LASTS) {
      this.since = now
      this.firstClass = routeClass
      this.several = false
    } else if (routeClass !== this.firstClass) this.several = true
  }

  /** A good answer. True: that was the end of it. What was sent before the first error proves nothing. */
  delivered(sentAt: Millis): boolean {
    if (this.since === null || sentAt < this.since) return false
    this.since = null
    return this.several
  }

  goesOn(now: Millis): boolean {
    return this.since !== null && this.several && now - this.since <= LASTS
  }

  clear(): void {
    this.since = null
  }
}
