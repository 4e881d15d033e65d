/** One timer for all deadlines of all connections: each checks its own fields when it is swept. */
import type { Cancel, Clock, Millis } from '../core/time.ts'
import { Roster } from './roster.ts'

export interface Swept {
  /** The sweeper's. */
  sweptAt: number
  /** Looks at its deadlines. May remove itself, or others. */
  sweep(now: Millis): void
}

const INTERVAL = 50

export class Sweeper {
  readonly clock: Clock
  private readonly members = new Roster<'sweptAt', Swept>('sweptAt')
  private cancel: Cancel | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  add(member: Swept): void {
    this.members.add(member)
    this.cancel ??= this.clock.every(INTERVAL, () => this.sweep())
  }

  remove(member: Swept): void {
    this.members.remove(member)
  }

  stop(): void {
    this.cancel?.()
    this.cancel = null
  }

  private sweep(): void {
    const now = this.clock.now()
    this.members.each((member) => member.sweep(now))
  }
}
