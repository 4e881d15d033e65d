/**
 * Places for connections to one upstream that all workers share. A worker that finds none leaves word; who gives one back
 * then says so, and who has more than its share, or connections that nobody uses, gives them up.
 */
import type { SharedSum } from './shared-allowance.ts'
import { SharedAllowance, sharedSum } from './shared-allowance.ts'
import type { SharedCells } from './shared-cells.ts'
import { sharedCells } from './shared-cells.ts'

/** `wanted`: 1 where a worker has found no place. */
export type SharedPlaceCount = Readonly<{ taken: SharedSum; wanted: SharedCells }>

export const sharedPlaceCount = (max: number, threads: number): SharedPlaceCount => ({
  taken: sharedSum(max, threads),
  wanted: sharedCells(threads),
})

export class SharedPlaces {
  readonly max: number
  private readonly thread: number
  private readonly taken: SharedAllowance
  private readonly wanted: SharedCells
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
    // A second look after leaving word: a place given back in between would be told of to nobody.
    if (!this.taken.take(1)) {
      Atomics.store(this.wanted, this.thread, 1)
      if (!this.taken.take(1)) return false
      Atomics.store(this.wanted, this.thread, 0)
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
