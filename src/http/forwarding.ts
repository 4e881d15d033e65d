/**
 * Carries one exchange from its arrival to its end: has an upstream found for it, sees what comes of the attempts, answers.
 * Reused for every request of a connection. Decisions are the core's; this file only carries them out.
 */
import type { Failure } from '../core/failure.ts'
import { elsewhere } from '../core/route.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Transport } from '../wire/transport.ts'
import type { UpstreamChannel } from '../wire/upstream-channel.ts'
import type { ErrorCode, ErrorReply } from './error-response.ts'
import { errorCodeOf, errorStatus } from './error-response.ts'
import type { Exchange, ExchangeServer } from './exchange.ts'
import { ExchangeAccount } from './exchange-account.ts'
import { ForwardedRequest } from './forwarded-request.ts'
import { chooseRequestId } from './header-rules.ts'
import type { HttpPool } from './http-pool.ts'
import type { RaceOwner } from './race.ts'
import { Race } from './race.ts'
import type { ResumptionOwner, ResumptionParts } from './resumption.ts'
import { Resumption } from './resumption.ts'
import type { NoReplay, SearchOwner } from './route-search.ts'
import { RouteSearch } from './route-search.ts'

type State = 'idle' | 'collecting' | 'held' | 'trying' | 'answering' | 'done'

export class Forwarding implements ExchangeServer, RaceOwner, ResumptionOwner, SearchOwner {
  private readonly request: ForwardedRequest
  private readonly account: ExchangeAccount
  private readonly exchange: Exchange
  private readonly pool: HttpPool
  private readonly race: Race
  private readonly search: RouteSearch
  /** What resumptions are made of; null where the pool does not want them. */
  private readonly resumable: ResumptionParts | null
  /** Of the answer under way, if it can be gone on with when it is cut off. */
  private resumption: Resumption | null = null
  private state: State = 'idle'

  constructor(exchange: Exchange, pool: HttpPool) {
    this.exchange = exchange
    this.pool = pool
    this.request = new ForwardedRequest(exchange, pool)
    this.race = new Race(this, this.request, { limits: pool.options.attempt, now: () => pool.clock.now() })
    this.account = new ExchangeAccount(pool)
    const { request, account, race } = this
    this.search = new RouteSearch(this, { pool, request, account, race })
    this.resumable = pool.options.resume ? { owner: this, exchange, request, account, pool } : null
  }

  get requestId(): string {
    return this.account.requestId
  }

  get trying(): boolean {
    return this.state === 'trying'
  }

  // ---- the client's side -----------------------------------------------------------------------------------------

  requestBegun(): void {
    const { pool, account } = this
    this.state = 'collecting'
    account.open(chooseRequestId(this.exchange.head, pool.makeRequestId))
    this.request.begin(account.requestId, account.startedAt)
    pool.errorReplays.earn()
    pool.hedges.earn()
  }

  requestBytes(source: Transport | null, bytes: Buffer, from: number, to: number): void {
    if (this.state === 'trying' || this.state === 'answering') {
      if (this.race.takesBytes) {
        this.request.body.keepSent(bytes, from, to)
        if (!this.race.sendBytes(source, bytes, from, to)) this.exchange.pauseBody()
        return
      }
    } else if (this.state === 'done') return
    if (!this.request.body.keepUnsent(bytes, from, to)) this.exchange.pauseBody()
  }

  requestBatch(): void {
    if (this.state === 'collecting') return this.search.go()
    if (!this.exchange.bodyDone) return
    this.request.waitingSince = this.pool.clock.now()
    if (this.state === 'trying' || this.state === 'answering') this.race.requestEnded()
  }

  requestRefused(reply: ErrorReply): void {
    const answered = this.state === 'answering'
    this.abandon()
    if (answered) this.exchange.truncate()
    else this.answerError(reply)
  }

  clientWritable(): void {
    this.race.clientWritable()
    this.resumption?.clientWritable()
  }

  clientGone(): void {
    this.abandon()
    if (this.state !== 'done') this.finish('client-gone')
  }

  private abandon(): void {
    this.search.cancel()
    this.race.cancel()
    this.resumption?.cancel()
  }

  onTry(): void {
    this.state = 'trying'
  }

  onWait(): void {
    this.state = 'held'
  }

  // ---- the attempt -----------------------------------------------------------------------------------------------

  onInterim(head: ResponseHead): void {
    this.exchange.interim(head)
  }

  declines(failure: Failure): boolean {
    const decision = this.request.decide(failure)
    if (decision.action !== 'replay') {
      if (decision.action === 'give-up') this.pool.runtime.counters.replayAbandoned.add(decision.reason)
      return false
    }
    if (!this.search.replaySoon(failure)) return false
    if (failure.status === 500) this.pool.errorReplays.spend()
    this.account.failed(failure, this.race.upstream)
    return true
  }

  keepsWaiting(failure: Failure): boolean {
    if (failure.phase === 'streaming') return !this.resumption?.next(failure, this.race.upstream)
    return this.request.decide(failure).action === 'keep-waiting'
  }

  onOverdue(): void {
    const { pool } = this
    if (this.state !== 'trying' || !this.request.mayGoAnywhere) return
    if (!pool.options.standbyReads || !pool.hedges.left) return
    const target = elsewhere(pool.runtime.route, this.race.upstream)
    if (target === null) return
    const endpoint = pool.endpoint(target)
    const channel = endpoint.channel(null, true, false)
    if (channel === null) return
    pool.hedges.spend()
    this.request.replays++
    this.race.hedge(endpoint, channel)
  }

  onDropped(failure: Failure, upstream: UpstreamId | null): void {
    this.account.failed(failure, upstream)
  }

  onHedgeWon(): void {
    this.account.rescue = 'hedge'
  }

  onFailed(failure: Failure): void {
    this.account.failed(failure, this.race.upstream)
    if (this.resumption?.resume(failure, this.race.upstream)) return
    const decision = this.request.decide(failure)
    if (decision.action === 'replay') return this.search.replay(failure, decision.where)
    const reason = decision.action === 'give-up' ? decision.reason : 'may-have-executed'
    this.pool.runtime.counters.replayAbandoned.add(reason)
    this.failAfter(failure, reason)
  }

  // ---- the answer ------------------------------------------------------------------------------------------------

  onAnswer(head: ResponseHead, body: string): boolean {
    this.state = 'answering'
    this.account.status = head.status
    this.account.bytes = body.length
    this.resumption = this.resumable && Resumption.of(this.resumable, head, body)
    return this.exchange.answer(head, body)
  }

  onAnswerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    this.account.bytes += to - from
    this.resumption?.keep(bytes, from, to)
    return this.exchange.answerBytes(source, bytes, from, to)
  }

  onAnswerEnd(trailers: string): void {
    this.finish(null)
    this.exchange.answerEnd(trailers)
  }

  onSwitching(channel: UpstreamChannel): string | null {
    const { exchange, pool, race } = this
    if (!race.endpoint) return '101 from nobody'
    const refusal = race.endpoint.openTunnel(exchange, channel, pool.options.upgradeIdle)
    if (refusal !== null) return refusal
    this.account.status = 101
    this.finish(null)
    return null
  }

  onAnswerLost(): void {
    this.pool.runtime.counters.lost.add('truncated')
    this.finish('truncated')
    this.exchange.truncate()
  }

  failAfter(failure: Failure, reason: NoReplay): void {
    if (this.state === 'answering') return this.onAnswerLost()
    // The failure's own words may name addresses behind us: they are for the log and the admin API.
    this.fail(errorCodeOf(failure), reason, '')
  }

  fail(code: ErrorCode, reason: string, detail: string): void {
    this.pool.runtime.counters.lost.add(reason)
    this.answerError({ code, detail, close: !this.exchange.bodyDone })
  }

  private answerError(reply: ErrorReply): void {
    this.account.status = errorStatus(reply.code)
    this.finish(reply.code)
    this.exchange.answerError(reply)
  }

  private finish(error: string | null): void {
    this.state = 'done'
    this.request.body.release()
    this.account.settle(this.exchange, this.resumption?.upstream ?? this.race.upstream, error)
    this.resumption = null
  }
}
