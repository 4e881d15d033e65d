/** Memory that all workers share, a cell for each: none writes another's, and that of one who has ended is cleared for it. */

/** Plain data: it can be sent to another thread, which shares the memory. */
export type SharedCells = Int32Array<SharedArrayBuffer>

export const sharedCells = (threads: number): SharedCells =>
  new Int32Array(new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT))

/** The worker with that number has ended. */
export function clearCell(cells: SharedCells, thread: number): void {
  Atomics.store(cells, thread, 0)
}
