/**
 * Where a request waits: for a route that it can take (another one than that which failed it, or the end of a doubt), or
 * for a connection to whom the route names.
 */
import type { Failure } from '../core/failure.ts'
import type { Route } from '../core/route.ts'
import { elsewhere } from '../core/route.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Waiter } from '../runtime/hold.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'

/** Who failed it, if anybody did, and in which epoch: the same one in the same epoch is not asked again. */
export type FailedOn = Readonly<{ upstream: UpstreamId; epoch: number; failure: Failure }>

/** `full`: as many as may wait are waiting. `expired`: it has waited for as long as it may. */
export type WaitEnd = 'full' | 'expired'

/** The request that waits. */
export interface RouteWaitOwner {
  readonly heldBytes: number
  /** Who would get it now; null: it has to wait. */
  assigned(route: Route): UpstreamId | null
  /** `moved`: to somebody who was not active when it began to wait. Returns whether there was a connection for it. */
  onRoute(target: UpstreamId, moved: boolean): boolean
  onNoRoute(why: WaitEnd, failure: Failure | null): void
  /** There was somebody to send it to, but all connections to him are taken. */
  onNoConnection(why: WaitEnd): void
}

export class RouteWait implements Waiter {
  private readonly owner: RouteWaitOwner
  private readonly runtime: TrafficPool
  private failedOn: FailedOn | null = null
  private heldIn = 0
  /** Whose connection it waits for; null: it waits for a route. */
  private upstream: UpstreamId | null = null

  constructor(owner: RouteWaitOwner, runtime: TrafficPool) {
    this.owner = owner
    this.runtime = runtime
  }

  get heldBytes(): number {
    return this.owner.heldBytes
  }

  /** `upstream`: all connections to it are taken. Null: there is nobody to send it to. */
  begin(failedOn: FailedOn | null, upstream: UpstreamId | null): void {
    const { hold, route } = this.runtime
    this.failedOn = failedOn
    this.heldIn = route.epoch
    const entered = hold.enter(this)
    this.lineUp(upstream)
    if (!entered) this.giveUp('full')
  }

  cancel(): void {
    this.runtime.hold.leave(this)
  }

  offer(route: Route): boolean {
    const target = this.target(route)
    if (target !== null && this.owner.onRoute(target, route.epoch !== this.heldIn)) return true
    this.lineUp(target)
    return false
  }

  private target(route: Route): UpstreamId | null {
    const { failedOn } = this
    if (failedOn !== null && failedOn.epoch === route.epoch) return elsewhere(route, failedOn.upstream)
    return this.owner.assigned(route)
  }

  private lineUp(upstream: UpstreamId | null): void {
    this.upstream = upstream
    this.runtime.hold.lineUp(this, upstream)
  }

  expire(): void {
    this.giveUp('expired')
  }

  /** The active that it waited to hear of, if nobody has failed it yet: it is still better than an error. */
  private giveUp(why: WaitEnd): void {
    const { gate, active } = this.runtime.route
    const failure = this.failedOn?.failure ?? null
    const last = gate === 'open' && failure === null ? active : null
    if (last !== null && this.owner.onRoute(last, false)) return
    if (last !== null || this.upstream !== null) this.owner.onNoConnection(why)
    else this.owner.onNoRoute(why, failure)
  }
}
