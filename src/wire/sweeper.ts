/** One timer for all deadlines of all connections: each checks its own fields when it is swept. */
import type { Cancel, Clock, Millis } from '../core/time.ts'

export interface Swept {
  /** Looks at its deadlines. May remove itself, or others. */
  sweep(now: Millis): void
}

const INTERVAL = 50

export class Sweeper {
  readonly clock: Clock
  private readonly members = new Set<Swept>()
  private cancel: Cancel | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  add(member: Swept): void {
    this.members.add(member)
    this.cancel ??= this.clock.every(INTERVAL, () => this.sweep())
  }

  remove(member: Swept): void {
    this.members.delete(member)
  }

  stop(): void {
    this.cancel?.()
    this.cancel = null
  }

  private sweep(): void {
    const now = this.clock.now()
    for (const member of this.members) member.sweep(now)
  }
}
