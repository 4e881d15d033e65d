/** One request as the detection sees it: a wait for a first byte, which may be told that it is overdue. */
import { NO_CLASS } from '../../src/core/answer-times.ts'
import type { Awaited } from '../../src/core/outstanding.ts'
import { ms } from '../../src/core/time.ts'

export class Wait implements Awaited {
  awaitedSince = ms(0)
  awaitedClass = NO_CLASS
  earlier: Awaited | null = null
  later: Awaited | null = null
  /** How often it was told that it is overdue. */
  overdue = 0

  onOverdue(): void {
    this.overdue++
  }
}
