/**
 * One allowance for several threads. Each has a cell of its own, so that what an ended thread had taken can be given back
 * for it, and the sum of all is what is taken.
 */
import type { Allowance } from '../core/allowance.ts'
import type { SharedCells } from './shared-cells.ts'
import { sharedCells } from './shared-cells.ts'

export type SharedSum = Readonly<{ cells: SharedCells; limit: number }>

/** Below what a cell can hold, with room for what is tried in vain. */
const MOST = 2 ** 30

export const sharedSum = (limit: number, threads: number): SharedSum => ({
  cells: sharedCells(threads),
  limit: Math.min(limit, MOST),
})

export class SharedAllowance implements Allowance {
  private readonly cells: SharedCells
  private readonly limit: number
  private readonly thread: number

  constructor({ cells, limit }: SharedSum, thread: number) {
    this.cells = cells
    this.limit = limit
    this.thread = thread
  }

  /** Taken first, then looked at: two threads may both fail for the last one, but never both get it. */
  take(amount: number): boolean {
    if (amount > MOST) return false
    Atomics.add(this.cells, this.thread, amount)
    if (this.sum() <= this.limit) return true
    this.giveBack(amount)
    return false
  }

  giveBack(amount: number): void {
    if (amount > 0) Atomics.sub(this.cells, this.thread, amount)
  }

  private sum(): number {
    let sum = 0
    for (let thread = 0; thread < this.cells.length; thread++) sum += Atomics.load(this.cells, thread)
    return sum
  }
}
