/**
 * Places for connections to one upstream that all workers share. A worker that finds none leaves word; who gives one back
 * then says so, and who has more than its share, or connections that nobody uses, gives them up.
 */
import type { SharedSum } from './shared-allowance.ts'
import { forfeit, SharedAllowance, sharedSum } from './shared-allowance.ts'

/** Plain data: it can be sent to another thread, which shares the memory. `wanted`: 1 where a worker has found no place. */
export type SharedPlaceCount = Readonly<{ taken: SharedSum; wanted: Int32Array<SharedArrayBuffer> }>

export const sharedPlaceCount = (max: number, threads: number): SharedPlaceCount => ({
  taken: sharedSum(max, threads),
  wanted: new Int32Array(new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT)),
})

/** The worker with that number has ended. */
export function forfeitPlaces({ taken, wanted }: SharedPlaceCount, thread: number): void {
  forfeit(taken, thread)
  Atomics.store(wanted, thread, 0)
}

export class SharedPlaces {
  readonly max: number
  private readonly thread: number
  private readonly taken: SharedAllowance
  private readonly wanted: Int32Array<SharedArrayBuffer>
  private readonly tellOthers: () => void
  private readonly share: number
  private own = 0
  private onFree: () => void = () => {}

  constructor({ taken, wanted }: SharedPlaceCount, thread: number, tellOthers: () => void) {
    this.max = taken.limit
    this.thread = thread
    this.taken = new SharedAllowance(taken, thread)
    this.wanted = wanted
    this.share = taken.limit / wanted.length
    this.tellOthers = tellOthers
  }

  take(): boolean {
    if (!this.taken.take(1)) {
      Atomics.store(this.wanted, this.thread, 1)
      return false
    }
    this.own++
    return true
  }

  giveBack(): void {
    this.own--
    this.taken.giveBack(1)
    this.onFree()
    if (this.wantedElsewhere) this.tellOthers()
  }

  listen(onFree: () => void): void {
    this.onFree = onFree
  }

  /** Another worker has given one back. */
  freedElsewhere(): void {
    Atomics.store(this.wanted, this.thread, 0)
    this.onFree()
  }

  get wantedElsewhere(): boolean {
    return this.wanted.some((_, thread) => thread !== this.thread && Atomics.load(this.wanted, thread) === 1)
  }

  /** Another one has found no place, and this one has more than its share. */
  get owed(): boolean {
    return this.own > this.share && this.wantedElsewhere
  }
}
