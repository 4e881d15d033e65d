/**
 * Keeps a few connections to the fallback open while the active is busy: the first requests of a failover are answered
 * sooner by what it takes to connect, and they come in a burst.
 */
import type { Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import { NOWHERE } from '../wire/roster.ts'
import type { Swept } from '../wire/sweeper.ts'
import type { HttpPool } from './http-pool.ts'

const MOST = 4
/** Several times within the life of an idle connection. */
const EVERY = 1_000

export class WarmStandby implements Swept {
  sweptAt = NOWHERE
  private readonly pool: HttpPool
  private dueAt: Millis

  constructor(pool: HttpPool) {
    this.pool = pool
    this.dueAt = ms(pool.clock.now() + EVERY)
  }

  sweep(now: Millis): void {
    if (now < this.dueAt) return
    this.dueAt = ms(now + EVERY)
    const { active, fallback } = this.pool.runtime.route
    if (active === null || fallback === null) return
    const busy = this.pool.endpoint(active).connections
    if (busy > 0) this.pool.endpoint(fallback).preconnect(Math.min(MOST, busy), () => {})
  }
}
