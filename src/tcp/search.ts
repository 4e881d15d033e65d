/**
 * Finds the upstream of one session: follows the route, tries, tries elsewhere, waits. Decisions are the core's; nothing
 * of the client's has been sent anywhere as long as this goes on.
 */
import type { Failure } from '../core/failure.ts'
import { isUnansweredConnect } from '../core/failure.ts'
import { decideReplay } from '../core/replay.ts'
import type { Route } from '../core/route.ts'
import { elsewhere } from '../core/route.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Waiter } from '../runtime/hold.ts'
import type { Arrival } from '../wire/arrival.ts'
import { proxyHeader } from '../wire/proxy-header-writer.ts'
import type { SessionError } from './access-log.ts'
import type { SessionAccount } from './session-account.ts'
import type { AttemptSearch, AttemptSide } from './tcp-attempt.ts'
import { TcpAttempt } from './tcp-attempt.ts'
import type { TcpPool } from './tcp-pool.ts'

export interface SearchOwner extends AttemptSide {
  /** Bytes kept until an upstream takes them. */
  readonly heldBytes: number
  /** Connected to where the route leads, and established. Until the session begins, the upstream may be changed unnoticed. */
  onFound(): void
  onRefused(error: SessionError): void
}

/** `twice`: its fallback failed too. */
type FailedOn = Readonly<{ upstream: UpstreamId; epoch: number; twice: boolean }>

/** What a client wants done is unknown, so whatever has been sent may have been executed. */
const QUESTION = { method: 'unsafe', repeatable: false, bodyKept: true, raced: false, errorBudgetLeft: false } as const

export class Search implements AttemptSearch, Waiter {
  /** The one under way, or the one found. */
  attempt: TcpAttempt | null = null
  private readonly owner: SearchOwner
  private readonly pool: TcpPool
  private readonly arrival: Arrival
  private readonly account: SessionAccount
  /** Of the route by which the attempt was chosen. */
  private epoch = 0
  private failedOn: FailedOn | null = null
  private closedUnheard = false
  private repeated = false
  private heldSince: Millis | null = null
  /** The epoch in which it began to wait. */
  private heldIn = 0
  /** Whose connection it waits for; null: it waits for a route. */
  private waitsFor: UpstreamId | null = null

  constructor(owner: SearchOwner, setup: Readonly<{ pool: TcpPool; arrival: Arrival; account: SessionAccount }>) {
    this.owner = owner
    this.pool = setup.pool
    this.arrival = setup.arrival
    this.account = setup.account
  }

  get heldBytes(): number {
    return this.owner.heldBytes
  }

  go(): void {
    if (this.pool.closed) return this.owner.onRefused('cut')
    const target = this.target(this.pool.runtime.route)
    if (target === null || !this.tries(target)) this.wait(target)
  }

  /** From an upstream that nobody has noticed yet to where the route leads now. */
  move(): void {
    this.account.rescue ??= 'replay'
    this.attempt?.discard()
    this.attempt = null
    this.go()
  }

  /** The attempt's upstream is where the route leads. With a single writer: the active one, and no switch under way. */
  get onRoute(): boolean {
    const { route } = this.pool.runtime
    // Its fallback too, as long as nothing has been decided since.
    return route.gate === 'open' && (route.active === this.attempt?.upstream || route.epoch === this.epoch)
  }

  stop(): void {
    this.pool.runtime.hold.leave(this)
    this.attempt?.reset()
  }

  sweep(now: Millis): void {
    this.attempt?.sweep(now, this.pool.options.connect)
  }

  // ---- the route -------------------------------------------------------------------------------------------------

  private target(route: Route): UpstreamId | null {
    const { failedOn } = this
    if (route.gate === 'hold' || route.active === null) return null
    if (failedOn === null || failedOn.epoch !== route.epoch) return this.doubted(route) ? null : route.active
    if (failedOn.twice) return null
    return route.active === failedOn.upstream ? route.fallback : route.active
  }

  /** Nobody knows yet whether the active will ever answer, and a decision is near: better to wait for it. */
  private doubted(route: Route): boolean {
    return route.automatic && this.pool.runtime.doubt === 'suspect'
  }

  /** False: all connections there are taken, or others wait for one. */
  private tries(upstream: UpstreamId): boolean {
    const { pool, arrival, owner } = this
    const endpoint = pool.endpoint(upstream)
    if (!endpoint.admits(this)) return false
    const { proxyProtocol } = endpoint.upstream
    const header = proxyProtocol === 'off' ? null : proxyHeader(proxyProtocol, arrival.client, arrival.local)
    this.epoch = pool.runtime.route.epoch
    this.attempt = new TcpAttempt(endpoint, { search: this, side: owner, clock: pool.clock, header })
    return true
  }

  /** `upstream`: all connections to it are taken. Null: there is nobody to try. */
  private wait(upstream: UpstreamId | null): void {
    const { hold, route } = this.pool.runtime
    const now = this.pool.clock.now()
    this.heldSince ??= now
    this.heldIn = route.epoch
    this.waitsFor = upstream
    const inVain = upstream === null && this.failedOn !== null && route.gate === 'open' && !route.automatic
    // Waits in a row do not add up.
    if (inVain || now - this.heldSince >= hold.time) this.expire()
    else if (hold.enter(this)) hold.lineUp(this, upstream)
    else this.giveUp('hold-full')
  }

  offer(route: Route): boolean {
    const target = this.target(route)
    if (target !== null && this.tries(target)) {
      if (route.epoch !== this.heldIn) this.account.rescue ??= 'hold'
      return true
    }
    this.waitsFor = target
    this.pool.runtime.hold.lineUp(this, target)
    return false
  }

  expire(): void {
    this.giveUp('no-upstream')
  }

  /** It can wait no longer. The active in doubt is still better than nobody. */
  private giveUp(why: 'hold-full' | 'no-upstream'): void {
    const { gate, active } = this.pool.runtime.route
    const last = this.failedOn === null && gate === 'open' ? active : null
    if (last !== null && this.tries(last)) return
    if (last !== null || this.waitsFor !== null) this.refuse('connection-limit', 'connection-limit')
    else this.refuse(why, why)
  }

  private refuse(error: SessionError, why: string): void {
    // If to be closed on is all that a silent client was to get, that is no loss; it may well be meant so.
    if (this.closedUnheard && this.heldBytes === 0) return this.owner.onRefused('upstream-closed')
    this.pool.runtime.counters.lost.add(why)
    this.owner.onRefused(error)
  }

  // ---- the attempt -----------------------------------------------------------------------------------------------

  onConnected(): void {
    const { attempt } = this
    if (!attempt) return
    // The route moved on meanwhile. To be cut off twice over is no way to begin, and a second writer must not appear.
    if (!this.onRoute) return this.move()
    this.heldSince = null
    this.account.taken(attempt.upstream, this.epoch)
    attempt.establish()
    this.owner.onFound()
  }

  onFailed(failure: Failure): void {
    const { attempt, account, failedOn } = this
    const { counters, route } = this.pool.runtime
    if (!attempt) return
    this.attempt = null
    account.failed(failure, attempt.upstream)
    account.rescue = 'replay'
    if (this.repeats(failure, attempt.upstream)) return
    const decision = decideReplay({ ...QUESTION, failure, replays: failedOn === null ? 0 : 1 })
    const twice = decision.action !== 'replay'
    this.failedOn = { upstream: attempt.upstream, epoch: route.epoch, twice }
    this.closedUnheard = attempt.ended
    if (decision.action === 'give-up') counters.replayAbandoned.add(decision.reason)
    // A second one that takes the connection only to drop it: that may be the answer. Where none was to be had, the
    // session has done no harm yet and goes on waiting for another route.
    const dropped = failure.phase === 'unsent' && failure.kind === 'reset'
    if (twice && dropped) this.refuse('upstream-reset', 'already-replayed')
    else this.go()
  }

  /** A SYN may have been lost: where there is nowhere else to go, one more is worth sending. */
  private repeats(failure: Failure, upstream: UpstreamId): boolean {
    const { route } = this.pool.runtime
    if (this.repeated || !isUnansweredConnect(failure) || elsewhere(route, upstream) !== null) return false
    if (route.gate === 'hold' || route.active !== upstream) return false
    this.repeated = true
    if (!this.tries(upstream)) this.wait(upstream)
    return true
  }

  onAborted(): void {
    if (this.onRoute) this.refuse('cut', 'cut')
    else this.move()
  }
}
