/**
 * A bound for what a healthy standby is asked in addition: answers that may be the application's own fault (500) tried
 * again, requests hedged. At most a tenth of the traffic, after a burst.
 */

const SHARE = 0.1
const BURST = 50

export class ReplayBudget {
  private tokens = BURST

  /** One request came in. */
  earn(): void {
    if (this.tokens < BURST) this.tokens += SHARE
  }

  get left(): boolean {
    return this.tokens >= 1
  }

  spend(): void {
    this.tokens -= 1
  }
}
