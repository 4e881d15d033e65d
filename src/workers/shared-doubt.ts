/**
 * How far each worker doubts the active of one pool: memory that all of them share, for a request cannot wait for a message.
 * A worker without traffic of its own has nothing to suspect anybody by, and would send the next POST into the silence.
 */
import type { Doubt } from '../core/doubt.ts'
import type { SharedCells } from './shared-cells.ts'

const LEVELS: readonly Doubt[] = ['none', 'hesitant', 'suspect']

export class SharedDoubt {
  private readonly cells: SharedCells
  private readonly thread: number
  private own: Doubt = 'none'

  constructor(cells: SharedCells, thread: number) {
    this.cells = cells
    this.thread = thread
  }

  /** What this worker thinks. */
  set(doubt: Doubt): void {
    if (doubt === this.own) return
    this.own = doubt
    Atomics.store(this.cells, this.thread, LEVELS.indexOf(doubt))
  }

  /** The gravest doubt of all. */
  get gravest(): Doubt {
    let level = 0
    for (let thread = 0; thread < this.cells.length; thread++) level = Math.max(level, Atomics.load(this.cells, thread))
    return LEVELS[level] ?? 'none'
  }
}
