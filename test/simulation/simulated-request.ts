/** One simulated request: assigned, held, hedged and sent again by the rules of the core, as `http/forwarding.ts` does it. */
import { assign } from '../../src/core/doubt.ts'
import type { Failure } from '../../src/core/failure.ts'
import { isFailureStatus } from '../../src/core/failure.ts'
import { decideReplay, methodClass, type ReplayDecision } from '../../src/core/replay.ts'
import type { Route } from '../../src/core/route.ts'
import type { UpstreamId } from '../../src/core/upstream.ts'
import type { Waiter } from '../../src/runtime/hold.ts'
import type { Kind } from './load.ts'
import type { Pair } from './pair.ts'
import { type AttemptOwner, SimulatedAttempt } from './simulated-attempt.ts'

export class SimulatedRequest implements AttemptOwner, Waiter {
  readonly heldBytes = 1_000
  readonly kind: Kind
  private readonly pair: Pair
  private readonly method: 'safe' | 'idempotent' | 'unsafe'
  private lead: SimulatedAttempt | null = null
  private rival: SimulatedAttempt | null = null
  private replays = 0
  private raced = false
  private heldAt = 0
  private failedOn: UpstreamId | null = null

  constructor(pair: Pair, kind: Kind) {
    this.pair = pair
    this.kind = kind
    this.method = methodClass(kind.method)
  }

  arrive(): void {
    this.pair.hedges.earn()
    this.pair.errorReplays.earn()
    const target = this.assigned(this.pair.pool.route)
    if (target === null) this.wait()
    else this.send(target)
  }

  offer(route: Route): boolean {
    const target = this.failedOn === route.active && route.gate === 'open' ? route.fallback : this.assigned(route)
    if (target === null) return false
    this.released()
    this.send(target)
    return true
  }

  expire(): void {
    this.released()
    const { active, gate } = this.pair.pool.route
    if (active !== null && gate === 'open' && this.failedOn === null) this.send(active)
    else this.pair.tally.lost++
  }

  onOverdue(): void {
    const { pair } = this
    if (this.method !== 'safe' || this.replays > 0 || this.rival !== null || !pair.hedges.left) return
    const target = this.elsewhere()
    if (target === null) return
    pair.hedges.spend()
    pair.rescuing('hedged')
    this.replays++
    this.rival = new SimulatedAttempt(pair.side(target), this, true)
    this.rival.start(false)
  }

  onAnswer(attempt: SimulatedAttempt, status: number): void {
    const other = attempt === this.lead ? this.rival : this.lead
    const bad = isFailureStatus(status)
    if (bad && other?.waits) return this.drop(other)
    if (bad && this.declined(attempt, status)) return
    other?.cancel()
    if (bad) this.pair.tally.errors++
    else this.pair.tally.answered++
  }

  onFailed(attempt: SimulatedAttempt, failure: Failure): void {
    const other = attempt === this.lead ? this.rival : this.lead
    if (other?.waits) return this.drop(other)
    const decision = this.decide(failure)
    if (decision.action !== 'replay') {
      this.pair.tally.lost++
      return
    }
    if (decision.where === 'same-upstream' && attempt.side.ledger.id === this.pair.pool.route.active) {
      this.raced = true
      return this.send(attempt.side.ledger.id, true)
    }
    this.replays++
    const target = this.elsewhere()
    if (target !== null) return this.send(target)
    this.failedOn = attempt.side.ledger.id
    this.wait()
  }

  decide(failure: Failure): ReplayDecision {
    const { method, replays, raced, pair } = this
    const known = { bodyKept: true, repeatable: false, errorBudgetLeft: pair.errorReplays.left }
    return decideReplay({ failure, method, replays, raced, ...known })
  }

  keepsWaiting(failure: Failure): boolean {
    return this.rival === null && this.decide(failure).action === 'keep-waiting'
  }

  private declined(attempt: SimulatedAttempt, status: number): boolean {
    if (this.decide(attempt.failureOf(status)).action !== 'replay') return false
    const target = this.elsewhere()
    if (target === null) return false
    if (status === 500) this.pair.errorReplays.spend()
    this.replays++
    this.send(target)
    return true
  }

  private drop(other: SimulatedAttempt): void {
    this.lead = other
    this.rival = null
  }

  private assigned(route: Route): UpstreamId | null {
    const { pool, clock } = this.pair
    const safe = this.method === 'safe'
    return assign(route, safe ? pool.doubt : pool.doubtAt(clock.now()), safe, true)
  }

  private send(to: UpstreamId, fresh = false): void {
    const { pair } = this
    if (to !== pair.pool.route.active && this.replays === 0) pair.rescuing('sent-to-standby')
    this.lead = new SimulatedAttempt(pair.side(to), this, this.replays > 0)
    this.lead.start(fresh)
  }

  private wait(): void {
    const { pair } = this
    this.heldAt = pair.clock.now()
    if (pair.pool.hold.enter(this)) return pair.rescuing('held')
    const { active } = pair.pool.route
    if (active !== null && this.failedOn === null) this.send(active)
    else pair.tally.lost++
  }

  private released(): void {
    this.pair.tally.heldFor(this.pair.clock.now() - this.heldAt)
  }

  private elsewhere(): UpstreamId | null {
    const { route } = this.pair.pool
    if (route.gate === 'hold' || route.active === null) return null
    return route.active === this.lead?.side.ledger.id ? route.fallback : route.active
  }
}
