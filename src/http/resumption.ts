/**
 * Goes on with a large answer that its upstream cut off: asks another one for the rest, makes sure that it is the rest of
 * the same, and passes it on as if nothing had happened. Belongs to one answer; costs nothing until there is something
 * to go on with but a copy of the last bytes.
 */
import type { Failure } from '../core/failure.ts'
import type { AnswerFacts, AskedFacts, Representation, RestRefusal } from '../core/resume.ts'
import { judgeRest, mayResume, rangeLines, resumable } from '../core/resume.ts'
import { elsewhere } from '../core/route.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { RequestHead } from '../wire/request-head.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Transport } from '../wire/transport.ts'
import { AnswerTail } from './answer-tail.ts'
import { Attempt } from './attempt.ts'
import type { AttemptOwner } from './attempt-parties.ts'
import type { Exchange } from './exchange.ts'
import type { ExchangeAccount } from './exchange-account.ts'
import type { ForwardedRequest } from './forwarded-request.ts'
import type { HttpPool } from './http-pool.ts'

/** Whose answer it is. */
export interface ResumptionOwner {
  onAnswerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean
  onAnswerEnd(trailers: string): void
  /** Nobody has the rest of it. */
  onAnswerLost(): void
}

export type ResumptionParts = Readonly<{
  owner: ResumptionOwner
  exchange: Exchange
  request: ForwardedRequest
  account: ExchangeAccount
  pool: HttpPool
}>

export class Resumption implements AttemptOwner {
  private readonly parts: ResumptionParts
  private readonly whole: Representation
  private readonly tail = new AnswerTail()
  private attempt: Attempt | null = null
  private resumes = 0
  /** Bytes delivered before the last resume. */
  private deliveredBefore = 0
  /** Where the range that was asked for begins. */
  private from = 0
  /** Bytes that the client has had and that come again, to be compared: how many, and how many of them have come. */
  private overlap = 0
  private compared = 0
  /** What comes now is not wanted. */
  private refused = false
  private cancelled = false

  /** Null: this answer could not be gone on with. */
  static of(parts: ResumptionParts, head: ResponseHead, body: string): Resumption | null {
    const whole = resumable(askedFacts(parts.exchange.head), answerFacts(head))
    if (whole === null) return null
    const resumption = new Resumption(parts, whole)
    resumption.keep(Buffer.from(body, 'latin1'), 0, body.length)
    return resumption
  }

  private constructor(parts: ResumptionParts, whole: Representation) {
    this.parts = parts
    this.whole = whole
  }

  /** Who was asked for the rest last. */
  get upstream(): UpstreamId | null {
    return this.attempt?.endpoint?.ledger.id ?? null
  }

  /** These go to the client. */
  keep(bytes: Buffer, from: number, to: number): void {
    this.tail.keep(bytes, from, to)
  }

  /** Where the answer that `upstream` cut off can go on. */
  next(failure: Failure, upstream: UpstreamId | null): UpstreamId | null {
    const { pool } = this.parts
    const gained = this.tail.delivered - this.deliveredBefore
    if (pool.closed || !mayResume(failure, this.resumes, gained)) return null
    return elsewhere(pool.runtime.route, upstream)
  }

  /** Returns whether the answer goes on. */
  resume(failure: Failure, upstream: UpstreamId | null): boolean {
    const target = this.next(failure, upstream)
    if (target === null) return false
    const { tail, parts } = this
    const { pool, request, account } = parts
    const endpoint = pool.endpoint(target)
    // On a connection of its own, which no keep-alive race can cost it.
    const channel = endpoint.channel(null, true, true)
    if (channel === null) return false
    account.rescue = 'resume'
    this.resumes++
    this.deliveredBefore = tail.delivered
    this.overlap = tail.length
    this.compared = 0
    this.from = tail.delivered - tail.length
    const rest = request.rest(account.requestId, rangeLines(this.whole, this.from))
    const limits = { ...pool.options.attempt, holdAnswers: 0 }
    this.attempt = new Attempt(rest, this, { limits, now: () => pool.clock.now() })
    this.attempt.start(endpoint, channel, true)
    return true
  }

  clientWritable(): void {
    this.attempt?.clientWritable()
  }

  /** Lets go of everything without a verdict on anyone. */
  cancel(): void {
    this.cancelled = true
    this.attempt?.cancel()
  }

  // ---- from the attempt ------------------------------------------------------------------------------------------

  onInterim(): void {}

  declines(): boolean {
    this.refuse('not-partial')
    return true
  }

  onAnswer(head: ResponseHead, body: string): boolean {
    const refusal = judgeRest(this.whole, this.from, answerFacts(head))
    if (refusal !== null) {
      this.refuse(refusal)
      return true
    }
    return body === '' || this.onAnswerBytes(null, Buffer.from(body, 'latin1'), 0, body.length)
  }

  onAnswerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    if (this.refused) return true
    const known = Math.min(to, from + this.overlap - this.compared)
    if (!this.tail.matches(this.compared, bytes, from, known)) {
      this.refuse('another-content')
      return true
    }
    this.compared += known - from
    return known === to || this.parts.owner.onAnswerBytes(source, bytes, known, to)
  }

  onAnswerEnd(): void {
    if (!this.refused) this.parts.owner.onAnswerEnd('')
  }

  onSwitching(): string {
    return '101 that nobody asked for'
  }

  onFailed(failure: Failure): void {
    if (this.refused) return
    const { account, owner } = this.parts
    account.failed(failure, this.upstream)
    if (!this.resume(failure, this.upstream)) owner.onAnswerLost()
  }

  keepsWaiting(failure: Failure): boolean {
    return this.next(failure, this.upstream) === null
  }

  onOverdue(): void {}

  private refuse(refusal: RestRefusal): void {
    const { account, owner } = this.parts
    account.notResumed(refusal, this.upstream)
    this.refused = true
    // Not from within the connection that is still handing its answer over.
    queueMicrotask(() => {
      if (this.cancelled) return
      this.cancel()
      owner.onAnswerLost()
    })
  }
}

function askedFacts({ method, fields, body, upgrade }: RequestHead): AskedFacts {
  const ranged = fields.find('range') !== null || fields.find('if-range') !== null
  return { method, ranged, plain: body === 'none' && upgrade === '' }
}

function answerFacts({ status, fields, body, length }: ResponseHead): AnswerFacts {
  return {
    status,
    length: body === 'length' ? length : null,
    etag: fields.find('etag'),
    encoding: fields.find('content-encoding'),
    range: fields.find('content-range'),
  }
}
