/**
 * Rule R5, the gray failure: probes pass and requests stall. It compares: several classes of requests are far slower than
 * they ever are, more of them are overdue than are answered, for long enough, while the standby answers at once.
 */
import type { Pressure } from './outstanding.ts'
import type { Millis } from './time.ts'

/** How long it must last, ms. */
export const GRAY_FOR = 2_000
const MOST_IMPROBABLE = 8
const CLASSES = 2

export class GrayFailure {
  private since: Millis | null = null

  /** True: convict. `good`: answers within the last moments. `standbyFast`: it is not us, and not the network. */
  check(pressure: Pressure, good: number, standbyFast: boolean, now: Millis): boolean {
    const { phi, classes, overdue } = pressure
    if (!standbyFast || phi < MOST_IMPROBABLE || classes < CLASSES || overdue <= good) {
      this.since = null
      return false
    }
    this.since ??= now
    return now - this.since >= GRAY_FOR
  }

  reset(): void {
    this.since = null
  }
}
