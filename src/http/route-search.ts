/**
 * Finds the upstream of one request: follows the route, tries, waits for another route or for a connection, and after a
 * failure tries elsewhere. Decisions are the core's; what comes of an attempt is its owner's business.
 */
import { assign } from '../core/doubt.ts'
import type { Failure } from '../core/failure.ts'
import { isUnansweredConnect } from '../core/failure.ts'
import type { GiveUpReason } from '../core/replay.ts'
import type { Route } from '../core/route.ts'
import { elsewhere } from '../core/route.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { ErrorCode } from './error-response.ts'
import type { ExchangeAccount } from './exchange-account.ts'
import type { ForwardedRequest } from './forwarded-request.ts'
import type { HttpPool } from './http-pool.ts'
import type { Race } from './race.ts'
import type { FailedOn, RouteWaitOwner, WaitEnd } from './route-wait.ts'
import { RouteWait } from './route-wait.ts'

/** Why nothing more is tried after a failure. */
export type NoReplay = GiveUpReason | 'no-upstream' | 'out-of-time'

export interface SearchOwner {
  /** An attempt is under way, and nothing of its answer has gone to the client. */
  readonly trying: boolean
  onTry(): void
  onWait(): void
  /** Nobody was found. */
  fail(code: ErrorCode, reason: string, detail: string): void
  /** Nobody was found after that. */
  failAfter(failure: Failure, reason: NoReplay): void
}

export type SearchParts = Readonly<{ pool: HttpPool; request: ForwardedRequest; account: ExchangeAccount; race: Race }>

export class RouteSearch implements RouteWaitOwner {
  private readonly owner: SearchOwner
  private readonly pool: HttpPool
  private readonly request: ForwardedRequest
  private readonly account: ExchangeAccount
  private readonly race: Race
  private readonly routeWait: RouteWait

  constructor(owner: SearchOwner, { pool, request, account, race }: SearchParts) {
    this.owner = owner
    this.pool = pool
    this.request = request
    this.account = account
    this.race = race
    this.routeWait = new RouteWait(this, pool.runtime)
  }

  get heldBytes(): number {
    return this.request.body.memory
  }

  go(): void {
    const { route } = this.pool.runtime
    const target = this.assigned(route)
    if (target === null) return this.wait(null, null)
    // A trial is no reason to wait for a connection.
    if (route.trial !== null && this.tries(this.inTrial(route, target), false)) return
    this.tryOn(target, false, null)
  }

  cancel(): void {
    this.routeWait.cancel()
  }

  // ---- after a failure -------------------------------------------------------------------------------------------

  replay(failure: Failure, where: 'elsewhere' | 'same-upstream'): void {
    const { route } = this.pool.runtime
    const { upstream } = this.race
    if (this.request.outOfTime) return this.owner.failAfter(failure, 'out-of-time')
    const target = elsewhere(route, upstream)
    const lostSyn = isUnansweredConnect(failure) && !this.request.raced && target === null && route.gate === 'open'
    if ((where === 'same-upstream' || lostSyn) && upstream !== null && upstream === route.active) {
      this.request.raced = true
      this.account.rescue = 'replay'
      return this.tryOn(upstream, true, null)
    }
    const failedOn = this.failedOn(failure)
    if (target !== null) return this.replayOn(target, failedOn)
    if (!route.automatic || failedOn === null) return this.owner.failAfter(failure, 'no-upstream')
    this.countReplay()
    this.wait(failedOn, null)
  }

  /** In place of the answer that has just come. False: there is nobody else. */
  replaySoon(failure: Failure): boolean {
    const target = elsewhere(this.pool.runtime.route, this.race.upstream)
    if (target === null) return false
    const failedOn = this.failedOn(failure)
    // Not from within the connection that is still handing its answer over.
    queueMicrotask(() => this.replayOn(target, failedOn))
    return true
  }

  private replayOn(target: UpstreamId, failedOn: FailedOn | null): void {
    if (!this.owner.trying) return
    this.countReplay()
    this.tryOn(target, false, failedOn)
  }

  private failedOn(failure: Failure): FailedOn | null {
    const { upstream } = this.race
    return upstream === null ? null : { upstream, epoch: this.pool.runtime.route.epoch, failure }
  }

  private countReplay(): void {
    this.request.replays++
    this.account.rescue = 'replay'
  }

  // ---- trying ----------------------------------------------------------------------------------------------------

  assigned(route: Route): UpstreamId | null {
    const { runtime, clock, options } = this.pool
    const { safe } = this.request
    return assign(route, safe ? runtime.doubt : runtime.doubtAt(clock.now()), safe, options.standbyReads)
  }

  /** During a trial of another upstream, its share of those requests goes there that can always be sent again. */
  private inTrial(route: Route, target: UpstreamId): UpstreamId {
    if (target !== route.active || !this.request.mayGoAnywhere) return target
    this.account.compared = true
    return this.pool.runtime.trial.choose(route, target)
  }

  /** Waits where there is no connection for it. */
  private tryOn(upstream: UpstreamId, fresh: boolean, failedOn: FailedOn | null): void {
    if (!this.tries(upstream, fresh)) this.wait(failedOn, upstream)
  }

  /** False: all connections there are taken, or others wait for one. */
  private tries(upstream: UpstreamId, fresh: boolean): boolean {
    const endpoint = this.pool.endpoint(upstream)
    const { safe, replays } = this.request
    const channel = endpoint.channel(this.routeWait, safe, fresh)
    if (channel === null) return false
    this.owner.onTry()
    this.race.start(endpoint, channel, replays > 0)
    return true
  }

  // ---- waiting ---------------------------------------------------------------------------------------------------

  private wait(failedOn: FailedOn | null, upstream: UpstreamId | null): void {
    this.owner.onWait()
    // A wait for a connection is our own limit: it must not look like anybody's slowness.
    if (upstream !== null) this.account.compared = false
    this.routeWait.begin(failedOn, upstream)
  }

  onRoute(target: UpstreamId, moved: boolean): boolean {
    if (!this.tries(target, false)) return false
    if (moved) this.account.rescue ??= 'hold'
    return true
  }

  onNoConnection(why: WaitEnd): void {
    const end = why === 'full' ? 'as many requests as may wait do' : `waited ${this.pool.runtime.hold.time} ms`
    this.owner.fail('overloaded', 'connection-limit', `all connections to the upstream are in use; ${end}`)
  }

  onNoRoute(why: WaitEnd, failure: Failure | null): void {
    const { owner } = this
    if (why === 'full') owner.fail('overloaded', 'hold-full', 'as many requests as may wait are waiting')
    else if (failure) owner.failAfter(failure, 'no-upstream')
    else owner.fail('no_upstream', 'no-upstream', `waited ${this.pool.runtime.hold.time} ms`)
  }
}
