/** What a simulated stretch of time has shown: doubts, rescues, switches. Lengths in ms. */
import type { Doubt } from '../../src/core/doubt.ts'
import type { Notice } from '../../src/core/events.ts'

/** How many, how long together, and the longest. */
export class Lengths {
  count = 0
  sum = 0
  longest = 0

  add(length: number): void {
    this.count++
    this.sum += length
    if (length > this.longest) this.longest = length
  }

  get mean(): number | null {
    return this.count === 0 ? null : this.sum / this.count
  }
}

export type Rescue = 'held' | 'sent-to-standby' | 'hedged'

export class Tally {
  answered = 0
  /** Answers of 5xx that reached clients. */
  errors = 0
  /** Requests without any answer. */
  lost = 0
  readonly rescues: Record<Rescue, number> = { held: 0, 'sent-to-standby': 0, hedged: 0 }
  readonly holds = new Lengths()
  readonly hesitations = new Lengths()
  readonly suspicions = new Lengths()
  /** From each failover to the failback. */
  readonly failovers = new Lengths()
  readonly convictions: Notice[] = []
  readonly notices: Notice[] = []
  rescuedAt: number | null = null
  private doubt: Doubt = 'none'
  private doubtSince = 0
  private suspectSince: number | null = null
  private failedOverAt: number | null = null

  get requests(): number {
    return this.answered + this.errors + this.lost
  }

  heldFor(time: number): void {
    this.holds.add(time)
  }

  rescue(how: Rescue, now: number): void {
    this.rescues[how]++
    this.rescuedAt ??= now
  }

  /** Another pool begins, at another time. */
  beginAnew(): void {
    this.doubt = 'none'
    this.suspectSince = null
    this.failedOverAt = null
  }

  doubted(doubt: Doubt, now: number): void {
    if (this.doubt === 'none') this.doubtSince = now
    if (doubt === 'suspect') this.suspectSince ??= now
    if (doubt === 'none') {
      if (this.suspectSince === null) this.hesitations.add(now - this.doubtSince)
      else this.suspicions.add(now - this.suspectSince)
      this.suspectSince = null
    }
    this.doubt = doubt
  }

  noticed(notice: Notice): void {
    const { type, at } = notice
    this.notices.push(notice)
    if (type === 'ejected' || type === 'conviction-withheld') this.convictions.push(notice)
    if (type === 'failover') this.failedOverAt = at
    if (type === 'failback' && this.failedOverAt !== null) {
      this.failovers.add(at - this.failedOverAt)
      this.failedOverAt = null
    }
  }

  said(type: Notice['type']): readonly Notice[] {
    return this.notices.filter((notice) => notice.type === type)
  }
}
