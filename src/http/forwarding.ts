/**
 * Carries one exchange from its arrival to its end: finds the route, tries, replays, holds, answers. Reused for every
 * request of a connection. Decisions are the core's; this file only carries them out.
 */
import type { Failure } from '../core/failure.ts'
import type { GiveUpReason, MethodClass, ReplayDecision } from '../core/replay.ts'
import { decideReplay, methodClass } from '../core/replay.ts'
import type { Route } from '../core/route.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Waiter } from '../runtime/hold.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Splice } from '../wire/splice.ts'
import type { Transport } from '../wire/transport.ts'
import type { UpstreamChannel } from '../wire/upstream-channel.ts'
import type { AttemptOwner } from './attempt.ts'
import { Attempt } from './attempt.ts'
import type { ErrorCode, ErrorReply } from './error-response.ts'
import { errorCodeOf, errorStatus } from './error-response.ts'
import type { Exchange, ExchangeServer } from './exchange.ts'
import { ExchangeAccount } from './exchange-account.ts'
import { chooseRequestId, requestText } from './header-rules.ts'
import type { HttpPool } from './http-pool.ts'
import { ReplayBody } from './replay-body.ts'

type State = 'idle' | 'collecting' | 'held' | 'trying' | 'answering' | 'done'

/** Where a request waits for another route than the one that failed it. */
type FailedOn = Readonly<{ upstream: UpstreamId; epoch: number; failure: Failure }>

export class Forwarding implements ExchangeServer, AttemptOwner, Waiter {
  readonly body: ReplayBody
  waitingSince: Millis
  private readonly account: ExchangeAccount
  private readonly exchange: Exchange
  private readonly pool: HttpPool
  private readonly attempt: Attempt
  private state: State = 'idle'
  private kind: MethodClass = 'safe'
  private replays = 0
  private raced = false
  private failedOn: FailedOn | null = null

  constructor(exchange: Exchange, pool: HttpPool) {
    this.exchange = exchange
    this.pool = pool
    this.body = new ReplayBody(pool.options.replayBody, pool.memory)
    this.attempt = new Attempt(this, pool.options.attempt, () => pool.clock.now())
    this.account = new ExchangeAccount(pool)
    this.waitingSince = this.account.startedAt
  }

  get method(): string {
    return this.exchange.head.method
  }

  get bareBody(): boolean {
    return this.exchange.bareBody
  }

  get bodyDone(): boolean {
    return this.exchange.bodyDone
  }

  get requestId(): string {
    return this.account.requestId
  }

  private get upstream(): UpstreamId | null {
    return this.attempt.endpoint?.ledger.id ?? null
  }

  get awaitsContinue(): boolean {
    return this.exchange.head.expectsContinue && this.body.size === 0
  }

  get heldBytes(): number {
    return this.body.memory
  }

  /** METHOD and first path segment. */
  routeClass(): string {
    const { method, target } = this.exchange.head
    return `${method} ${/^\/[^/?]*/.exec(target)?.[0] ?? target}`
  }

  // ---- the client's side -----------------------------------------------------------------------------------------

  requestBegun(): void {
    const { head, client } = this.exchange
    const { pool } = this
    const requestId = chooseRequestId(head, pool.makeRequestId)
    this.state = 'collecting'
    this.kind = methodClass(head.method)
    this.replays = 0
    this.raced = false
    this.failedOn = null
    this.account.open(requestId)
    this.waitingSince = this.account.startedAt
    this.body.start(requestText(head, { client, requestId, defaultHost: pool.options.defaultHost }))
    pool.budget.earn()
  }

  requestBytes(source: Transport | null, bytes: Buffer, from: number, to: number): void {
    if (this.state === 'trying' || this.state === 'answering') {
      if (this.attempt.takesBytes) {
        this.body.keepSent(bytes, from, to)
        if (!this.attempt.sendBytes(source, bytes, from, to)) this.exchange.pauseBody()
        return
      }
    } else if (this.state === 'done') return
    if (!this.body.keepUnsent(bytes, from, to)) this.exchange.pauseBody()
  }

  requestBatch(): void {
    if (this.state === 'collecting') return this.go()
    if (!this.bodyDone) return
    this.waitingSince = this.pool.clock.now()
    if (this.state === 'trying' || this.state === 'answering') this.attempt.requestEnded()
  }

  requestRefused(reply: ErrorReply): void {
    const answered = this.state === 'answering'
    this.abandon()
    if (answered) this.exchange.truncate()
    else this.answerError(reply)
  }

  clientWritable(): void {
    this.attempt.clientWritable()
  }

  clientGone(): void {
    this.abandon()
    if (this.state !== 'done') this.finish('client-gone')
  }

  private abandon(): void {
    this.pool.runtime.hold.leave(this)
    this.attempt.cancel()
  }

  // ---- the route -------------------------------------------------------------------------------------------------

  private go(): void {
    const { route } = this.pool.runtime
    if (route.gate === 'open' && route.active !== null) this.tryOn(route.active, false)
    else this.wait()
  }

  private tryOn(upstream: UpstreamId, fresh: boolean): void {
    this.state = 'trying'
    const endpoint = this.pool.endpoint(upstream)
    this.attempt.start(endpoint, { fresh, repeatable: this.kind === 'safe', suspect: this.replays > 0 })
  }

  private wait(): void {
    this.state = 'held'
    this.account.rescue ??= 'hold'
    if (this.pool.runtime.hold.enter(this)) return
    this.fail('overloaded', 'hold-full', 'as many requests as may wait are waiting')
  }

  offer(route: Route): boolean {
    if (route.gate === 'hold' || route.active === null) return false
    const { failedOn } = this
    const sameAsFailed = failedOn !== null && failedOn.upstream === route.active && failedOn.epoch === route.epoch
    const target = sameAsFailed ? route.fallback : route.active
    if (target === null) return false
    this.tryOn(target, false)
    return true
  }

  expire(): void {
    const { failedOn } = this
    const waited = `waited ${this.pool.runtime.hold.time} ms`
    if (failedOn) this.failAfter(failedOn.failure, 'no-upstream')
    else this.fail('no_upstream', 'no-upstream', waited)
  }

  // ---- the attempt -----------------------------------------------------------------------------------------------

  onRequestWritable(): void {
    this.exchange.resumeBody()
  }

  onInterim(head: ResponseHead): void {
    this.exchange.interim(head)
  }

  declines(failure: Failure): boolean {
    const decision = this.decide(failure)
    if (decision.action !== 'replay') {
      if (decision.action === 'give-up') this.pool.runtime.counters.replayAbandoned.add(decision.reason)
      return false
    }
    const { route } = this.pool.runtime
    const target = this.elsewhere(route)
    if (target === null) return false
    if (failure.status === 500) this.pool.budget.spend()
    this.account.failed(failure, this.upstream)
    // Not from within the connection that is still handing its answer over.
    queueMicrotask(() => this.replayOn(target))
    return true
  }

  keepsWaiting(failure: Failure): boolean {
    return this.decide(failure).action === 'keep-waiting'
  }

  onFailed(failure: Failure): void {
    this.account.failed(failure, this.upstream)
    const decision = this.decide(failure)
    if (decision.action === 'replay') return this.replay(failure, decision.where)
    const reason = decision.action === 'give-up' ? decision.reason : 'may-have-executed'
    this.pool.runtime.counters.replayAbandoned.add(reason)
    this.failAfter(failure, reason)
  }

  private decide(failure: Failure): ReplayDecision {
    const { replays, raced, kind } = this
    return decideReplay({
      failure,
      method: kind,
      repeatable: this.pool.options.idempotencyKey && this.exchange.head.idempotencyKey,
      bodyKept: this.body.kept,
      replays,
      raced,
      errorBudgetLeft: this.pool.budget.left,
    })
  }

  private replay(failure: Failure, where: 'elsewhere' | 'same-upstream'): void {
    const { route } = this.pool.runtime
    const { upstream } = this
    if (this.outOfTime()) return this.failAfter(failure, 'out-of-time')
    if (where === 'same-upstream' && upstream !== null && upstream === route.active) {
      this.raced = true
      this.account.rescue = 'replay'
      return this.tryOn(upstream, true)
    }
    const target = this.elsewhere(route)
    if (target !== null) return this.replayOn(target)
    if (!route.automatic || upstream === null) return this.failAfter(failure, 'no-upstream')
    this.failedOn = { upstream, epoch: route.epoch, failure }
    this.countReplay()
    this.wait()
  }

  private outOfTime(): boolean {
    const { clock, options } = this.pool
    return this.bodyDone && clock.now() - this.waitingSince > options.attempt.request
  }

  private replayOn(target: UpstreamId): void {
    if (this.state !== 'trying') return
    this.countReplay()
    this.tryOn(target, false)
  }

  private countReplay(): void {
    this.replays++
    this.account.rescue = 'replay'
  }

  /** Another upstream than the one that just failed. */
  private elsewhere(route: Route): UpstreamId | null {
    if (route.gate === 'hold' || route.active === null) return null
    return route.active === this.upstream ? route.fallback : route.active
  }

  // ---- the answer ------------------------------------------------------------------------------------------------

  onAnswer(head: ResponseHead, body: string): boolean {
    this.state = 'answering'
    this.account.status = head.status
    this.account.bytes = body.length
    return this.exchange.answer(head, body)
  }

  onAnswerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    this.account.bytes += to - from
    return this.exchange.answerBytes(source, bytes, from, to)
  }

  onAnswerEnd(trailers: string): void {
    this.finish(null)
    this.exchange.answerEnd(trailers)
  }

  onSwitching(channel: UpstreamChannel): string | null {
    const { upgrade } = this.exchange.head
    const { endpoint } = this.attempt
    if (upgrade === '' || channel.head.upgrade !== upgrade || !endpoint) return '101 that nobody asked for'
    let tunnel: Splice | null = null
    tunnel = this.exchange.openTunnel(channel.head, channel, this.pool.options.upgradeIdle, () => {
      if (tunnel) endpoint.removeTunnel(tunnel)
    })
    if (!tunnel) return '101 on a connection that cannot be joined'
    this.account.status = 101
    endpoint.addTunnel(tunnel)
    this.finish(null)
    return null
  }

  private failAfter(failure: Failure, reason: GiveUpReason | 'no-upstream' | 'out-of-time'): void {
    if (this.state === 'answering') {
      this.pool.runtime.counters.lost.add('truncated')
      this.finish('truncated')
      this.exchange.truncate()
      return
    }
    // The failure's own words may name addresses behind us: they are for the log and the admin API.
    this.fail(errorCodeOf(failure), reason, '')
  }

  private fail(code: ErrorCode, reason: string, detail: string): void {
    this.pool.runtime.counters.lost.add(reason)
    this.answerError({ code, detail, close: !this.bodyDone })
  }

  private answerError(reply: ErrorReply): void {
    this.account.status = errorStatus(reply.code)
    this.finish(reply.code)
    this.exchange.answerError(reply)
  }

  private finish(error: string | null): void {
    this.state = 'done'
    this.body.release()
    this.account.settle(this.exchange, this.upstream, error)
  }
}
