/** One client's request as its attempts see it: what is sent, what is kept of it, and what may still be done to save it. */
import { firstSegment } from '../core/answer-times.ts'
import type { Failure } from '../core/failure.ts'
import type { MethodClass, ReplayDecision } from '../core/replay.ts'
import { decideReplay, methodClass } from '../core/replay.ts'
import type { Millis } from '../core/time.ts'
import type { AttemptedRequest } from './attempt-parties.ts'
import type { Exchange } from './exchange.ts'
import { requestText } from './header-rules.ts'
import type { HttpPool } from './http-pool.ts'
import { ReplayBody } from './replay-body.ts'

export class ForwardedRequest implements AttemptedRequest {
  readonly body: ReplayBody
  waitingSince: Millis
  kind: MethodClass = 'safe'
  /** How often it was sent to another upstream, again or as well. */
  replays = 0
  /** A lost keep-alive race was answered with a fresh socket. */
  raced = false
  private readonly exchange: Exchange
  private readonly pool: HttpPool

  constructor(exchange: Exchange, pool: HttpPool) {
    this.exchange = exchange
    this.pool = pool
    this.body = new ReplayBody(pool.options.replayBody, pool.memory)
    this.waitingSince = pool.clock.now()
  }

  begin(requestId: string, now: Millis): void {
    this.kind = methodClass(this.method)
    this.replays = 0
    this.raced = false
    this.waitingSince = now
    this.body.start(this.head(requestId))
  }

  private head(requestId: string): string {
    const { head, client } = this.exchange
    return requestText(head, { client, requestId, defaultHost: this.pool.options.defaultHost })
  }

  /** The same request, without a body, for the rest of its answer: `lines` say which. */
  rest(requestId: string, lines: string): AttemptedRequest {
    const { method, target, pool } = this
    const body = new ReplayBody(0, pool.memory)
    body.start(`${this.head(requestId).slice(0, -2)}${lines}\r\n`)
    return {
      method,
      target,
      body,
      bareBody: true,
      bodyDone: true,
      awaitsContinue: false,
      waitingSince: pool.clock.now(),
      routeClass: () => this.routeClass(),
      onRequestWritable: () => {},
    }
  }

  get safe(): boolean {
    return this.kind === 'safe'
  }

  get method(): string {
    return this.exchange.head.method
  }

  get target(): string {
    return this.exchange.head.target
  }

  get bareBody(): boolean {
    return this.exchange.bareBody
  }

  get bodyDone(): boolean {
    return this.exchange.bodyDone
  }

  get awaitsContinue(): boolean {
    return this.exchange.head.expectsContinue && this.body.size === 0
  }

  routeClass(): string {
    return `${this.method} ${firstSegment(this.target)}`
  }

  onRequestWritable(): void {
    this.exchange.resumeBody()
  }

  /** No upstream has been asked in vain, any may be asked, and another one afterwards. */
  get mayGoAnywhere(): boolean {
    const { upgrade } = this.exchange.head
    return this.safe && this.replays === 0 && this.bodyDone && this.body.kept && upgrade === ''
  }

  get outOfTime(): boolean {
    const { clock, options } = this.pool
    return this.bodyDone && clock.now() - this.waitingSince > options.attempt.request
  }

  decide(failure: Failure): ReplayDecision {
    const { replays, raced, kind, pool } = this
    return decideReplay({
      failure,
      method: kind,
      repeatable: pool.options.idempotencyKey && this.exchange.head.idempotencyKey,
      bodyKept: this.body.kept,
      replays,
      raced,
      errorBudgetLeft: pool.errorReplays.left,
    })
  }
}
