/** Counts over the last stretch of time, in buckets. Mutable and cheap; empties itself after an idle gap; takes `now`. */
import type { Millis } from './time.ts'

export class SlidingCount {
  private readonly width: number
  private readonly counts: Uint32Array
  private total = 0
  private head = 0

  constructor(span: number, buckets: number) {
    this.width = span / buckets
    this.counts = new Uint32Array(buckets)
  }

  add(now: Millis): void {
    this.roll(now)
    const slot = this.head % this.counts.length
    this.counts[slot] = Number(this.counts[slot]) + 1
    this.total++
  }

  sum(now: Millis): number {
    this.roll(now)
    return this.total
  }

  clear(): void {
    this.counts.fill(0)
    this.total = 0
  }

  /** Forgets the buckets that have left the window. A clock that stands still or steps back changes nothing. */
  private roll(now: Millis): void {
    const target = Math.floor(now / this.width)
    if (target <= this.head) return
    if (target - this.head >= this.counts.length) this.clear()
    else {
      for (let bucket = this.head + 1; bucket <= target; bucket++) {
        const slot = bucket % this.counts.length
        this.total -= Number(this.counts[slot])
        this.counts[slot] = 0
      }
    }
    this.head = target
  }
}
