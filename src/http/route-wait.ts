/** Where a request waits for a route that it can take: for another one than that which failed it, or for the end of a doubt. */
import type { Failure } from '../core/failure.ts'
import type { Route } from '../core/route.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Waiter } from '../runtime/hold.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'

/** Who failed it, if anybody did, and in which epoch: the same one in the same epoch is not asked again. */
export type FailedOn = Readonly<{ upstream: UpstreamId; epoch: number; failure: Failure }>

/** The request that waits. */
export interface RouteWaitOwner {
  readonly heldBytes: number
  /** Who would get it now; null: it has to wait. */
  assigned(route: Route): UpstreamId | null
  /** `moved`: to somebody who was not active when it began to wait. */
  onRoute(target: UpstreamId, moved: boolean): void
  /** `full`: as many as may wait are waiting. `expired`: it has waited for as long as it may. */
  onNoRoute(why: 'full' | 'expired', failure: Failure | null): void
}

export class RouteWait implements Waiter {
  private readonly owner: RouteWaitOwner
  private readonly runtime: TrafficPool
  private failedOn: FailedOn | null = null
  private heldIn = 0

  constructor(owner: RouteWaitOwner, runtime: TrafficPool) {
    this.owner = owner
    this.runtime = runtime
  }

  get heldBytes(): number {
    return this.owner.heldBytes
  }

  begin(failedOn: FailedOn | null): void {
    const { hold, route } = this.runtime
    this.failedOn = failedOn
    this.heldIn = route.epoch
    if (!hold.enter(this)) this.giveUp('full')
  }

  cancel(): void {
    this.runtime.hold.leave(this)
  }

  offer(route: Route): boolean {
    const { failedOn } = this
    const sameAsFailed = failedOn !== null && failedOn.upstream === route.active && failedOn.epoch === route.epoch
    const target = sameAsFailed && route.gate === 'open' ? route.fallback : this.owner.assigned(route)
    if (target === null) return false
    this.owner.onRoute(target, route.epoch !== this.heldIn)
    return true
  }

  expire(): void {
    this.giveUp('expired')
  }

  /** The active that it waited to hear of, if that is all it waited for: it is still better than an error. */
  private giveUp(why: 'full' | 'expired'): void {
    const { route } = this.runtime
    const failure = this.failedOn?.failure ?? null
    if (route.gate === 'open' && failure === null && route.active !== null) this.owner.onRoute(route.active, false)
    else this.owner.onNoRoute(why, failure)
  }
}
