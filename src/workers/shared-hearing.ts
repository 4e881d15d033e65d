/**
 * When each worker last heard a byte from one upstream: memory that all of them share, for an upstream that speaks to one
 * of them is not silent. Told at every look of the watch, so that a byte itself costs no more than a number.
 */
import type { Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'

/** Whole ms since the Unix epoch, a cell for each worker; 0: never. What one that has ended had heard stays true. */
export type SharedMoments = BigInt64Array<SharedArrayBuffer>

export const sharedMoments = (threads: number): SharedMoments =>
  new BigInt64Array(new SharedArrayBuffer(threads * BigInt64Array.BYTES_PER_ELEMENT))

export class SharedHearing {
  private readonly moments: SharedMoments
  private readonly thread: number
  private own = 0
  private told = 0

  constructor(moments: SharedMoments, thread: number) {
    this.moments = moments
    this.thread = thread
  }

  heard(now: Millis): void {
    this.own = now
  }

  tell(): void {
    if (this.own === this.told) return
    this.told = this.own
    Atomics.store(this.moments, this.thread, BigInt(Math.floor(this.own)))
  }

  /** When another worker last heard one, as far as it has told. */
  get elsewhere(): Millis {
    let latest = 0
    for (let thread = 0; thread < this.moments.length; thread++) {
      if (thread !== this.thread) latest = Math.max(latest, Number(Atomics.load(this.moments, thread)))
    }
    return ms(latest)
  }
}
