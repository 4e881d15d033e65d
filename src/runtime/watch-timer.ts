/** One timer for the watches of all pools: of a thousand pools most are idle, and a look at them costs less than a timer. */
import type { Cancel, Clock, Millis } from '../core/time.ts'

export interface Watching {
  /** Every `WATCH_EVERY` ms, as long as this process gets to run. */
  look(now: Millis): void
}

export const WATCH_EVERY = 20

export class WatchTimer {
  private readonly clock: Clock
  private readonly watches = new Set<Watching>()
  private cancel: Cancel | null = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  add(watch: Watching): void {
    this.watches.add(watch)
    this.cancel ??= this.clock.every(WATCH_EVERY, () => this.lookAll())
  }

  remove(watch: Watching): void {
    this.watches.delete(watch)
    if (this.watches.size > 0) return
    this.cancel?.()
    this.cancel = null
  }

  private lookAll(): void {
    const now = this.clock.now()
    for (const watch of this.watches) watch.look(now)
  }
}
