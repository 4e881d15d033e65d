/** Which classes of requests something happened to lately. Bounded: clients can invent methods and paths without end. */
import type { Millis } from './time.ts'

const MOST = 64

export class RecentClasses {
  /** How long one is remembered, ms. */
  private readonly within: number
  /** When it happened to each last, longest ago first. */
  private readonly latest = new Map<string, Millis>()

  constructor(within: number) {
    this.within = within
  }

  add(routeClass: string, now: Millis): void {
    // Re-inserted, to stay in order of age.
    this.latest.delete(routeClass)
    this.latest.set(routeClass, now)
    if (this.latest.size > MOST) this.forgetOldest()
  }

  count(now: Millis): number {
    for (const [routeClass, at] of this.latest) {
      if (now - at <= this.within) break
      this.latest.delete(routeClass)
    }
    return this.latest.size
  }

  clear(): void {
    this.latest.clear()
  }

  private forgetOldest(): void {
    for (const oldest of this.latest.keys()) {
      this.latest.delete(oldest)
      return
    }
  }
}
