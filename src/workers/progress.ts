/** How many messages a worker has acted on, where the control thread can wait for it: some things must not be under way. */

import type { SharedCells } from './shared-cells.ts'
import { sharedCells } from './shared-cells.ts'

export type Progress = SharedCells

export const newProgress = (): Progress => sharedCells(1)

/** In the worker, after each message. */
export function advance(progress: Progress): void {
  Atomics.add(progress, 0, 1)
  Atomics.notify(progress, 0)
}

/** In the control thread, which does nothing else meanwhile. False: the worker did not get there within that time, ms. */
export function awaitProgress(progress: Progress, messages: number, within: number): boolean {
  // Waiting ends at every message; a clock would be needed to add them up, and the worker makes haste or is stuck.
  for (;;) {
    const done = Atomics.load(progress, 0)
    if (done - messages >= 0) return true
    if (Atomics.wait(progress, 0, done, within) === 'timed-out') return false
  }
}
