/**
 * One try of one request at one upstream: sends it, watches its deadlines, hands the answer on or reports one Failure.
 * Reused by its forwarding; a channel that was let go of cannot reach it any more.
 */
import { NO_CLASS } from '../core/answer-times.ts'
import type { Failure, FailureKind, FailurePhase } from '../core/failure.ts'
import { isFailureStatus } from '../core/failure.ts'
import type { Awaited } from '../core/outstanding.ts'
import type { Millis } from '../core/time.ts'
import type { Transport } from '../wire/transport.ts'
import type { ResponseHandler, UpstreamChannel } from '../wire/upstream-channel.ts'
import type { AttemptedRequest, AttemptOwner } from './attempt-parties.ts'
import { HeldAnswer } from './held-answer.ts'
import type { UpstreamEndpoint } from './upstream-endpoint.ts'

export type AttemptLimits = Readonly<{
  connect: number
  responseHead: number
  /** From the end of the request's body to the head of its answer, all attempts together. */
  request: number
  /** Answers up to this many bytes are passed on only when whole, so that a cut one can be replayed. */
  holdAnswers: number
}>

const STALE_SHOWS_WITHIN = 200

export class Attempt implements ResponseHandler, Awaited {
  endpoint: UpstreamEndpoint | null = null
  awaitedSince: Millis
  awaitedClass = NO_CLASS
  earlier: Awaited | null = null
  later: Awaited | null = null
  private readonly request: AttemptedRequest
  private readonly owner: AttemptOwner
  private readonly limits: AttemptLimits
  private readonly now: () => Millis
  private channel: UpstreamChannel | null = null
  private phase: FailurePhase = 'connecting'
  private fresh = true
  private readonly held = new HeldAnswer()
  private since: Millis
  /** Sent after another upstream had failed the same request: the request itself may be the culprit. */
  private suspectRequest = false

  constructor(
    request: AttemptedRequest,
    owner: AttemptOwner,
    setup: Readonly<{ limits: AttemptLimits; now: () => Millis }>,
  ) {
    this.request = request
    this.owner = owner
    this.limits = setup.limits
    this.now = setup.now
    this.since = this.now()
    this.awaitedSince = this.since
  }

  get method(): string {
    return this.request.method
  }

  get bareBody(): boolean {
    return this.request.bareBody
  }

  /** The request's bytes can be written as they come. */
  get takesBytes(): boolean {
    return this.phase !== 'connecting'
  }

  /** `suspect`: another upstream has failed the same request. */
  start(endpoint: UpstreamEndpoint, channel: UpstreamChannel, suspect: boolean): void {
    this.endpoint = endpoint
    this.phase = 'connecting'
    this.held.clear()
    this.suspectRequest = suspect
    this.since = this.now()
    endpoint.ledger.attemptStarted()
    this.channel = channel
    this.fresh = channel.served === 0
    channel.use(this)
    // Already beyond that, or failed, when the channel was ready.
    if (this.phase === 'connecting' && this.channel === channel) endpoint.ledger.awaitConnection(this, this.since)
  }

  /** Returns false when the upstream should be given time. */
  sendBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    this.since = this.now()
    return this.channel?.writeFrom(source, bytes, from, to) ?? true
  }

  requestEnded(): void {
    if (this.phase === 'connecting' || !this.channel) return
    this.channel.requestFinished()
    this.since = this.now()
    if (this.phase === 'partly-sent') this.awaitAnswer()
  }

  clientWritable(): void {
    this.channel?.resume()
  }

  /** Lets go of the channel without a verdict on anyone. */
  cancel(): void {
    const { channel } = this
    if (!channel) return
    this.end()
    channel.discard()
  }

  onConnected(): void {
    const { channel, request } = this
    if (!channel) return
    this.phase = 'unsent'
    const now = this.now()
    this.connectionReady(now)
    const { body } = request
    let flowing = channel.writeText(body.text)
    for (const chunk of body.chunks) flowing = channel.writeKept(chunk)
    body.trim()
    this.phase = 'partly-sent'
    this.since = now
    if (request.bodyDone) {
      this.awaitAnswer()
      channel.requestFinished()
    } else if (flowing) request.onRequestWritable()
  }

  private connectionReady(now: Millis): void {
    if (this.awaitedClass === NO_CLASS) return
    this.settle()
    this.endpoint?.ledger.connectionTook(now - this.since, now)
  }

  /** The upstream has all of it: from now on it owes an answer. */
  private awaitAnswer(): void {
    this.phase = 'awaiting-head'
    this.endpoint?.ledger.awaitAnswer(this, this.request, this.since)
  }

  onWritable(): void {
    this.since = this.now()
    if (!this.request.bodyDone) this.request.onRequestWritable()
  }

  onInterim(): void {
    if (this.channel) this.owner.onInterim(this.channel.head)
  }

  onHead(): void {
    const { channel, endpoint } = this
    if (!channel || !endpoint) return
    const now = this.now()
    endpoint.ledger.answerCame(this, now)
    const { head } = channel
    const { status } = head
    if (status === 101) return this.switchProtocols(channel)
    endpoint.ledger.attemptAnswered(status, status >= 500 ? this.request.routeClass() : '', now, now - this.since)
    if (isFailureStatus(status)) {
      if (this.owner.declines(this.failure('status', `answered ${status}`, status), this)) return this.cancel()
    }
    this.held.start(head.body === 'none' || (head.body === 'length' && head.length <= this.limits.holdAnswers))
    this.phase = 'held'
    this.since = now
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    const { channel } = this
    if (!channel) return
    if (this.phase === 'held') {
      if (this.held.keep(bytes, from, to)) return
      this.release(channel)
    }
    if (!this.owner.onAnswerBytes(channel.transport, bytes, from, to)) channel.pause()
  }

  onBatch(): void {
    if (this.phase === 'held' && !this.held.untilWhole && this.channel) this.release(this.channel)
  }

  onFinished(trailers: string): void {
    const { channel } = this
    if (!channel) return
    // The connection may serve another request already: its reading is no longer ours to pause.
    this.endpoint?.ledger.attemptDelivered(channel.head.status, this.awaitedSince, this.now())
    if (this.phase === 'held') this.passOn(channel)
    this.end()
    this.owner.onAnswerEnd(trailers)
  }

  onFailed(kind: FailureKind, detail: string): void {
    if (!this.channel) return
    const failure = this.failure(kind, detail, 0)
    const { endpoint } = this
    this.end()
    const excused = this.suspectRequest && failure.phase !== 'connecting'
    const now = this.now()
    if (!excused) endpoint?.ledger.attemptFailed(failure, this.request.routeClass(), now, now - this.since)
    this.owner.onFailed(failure, this)
  }

  onAbandoned(detail: string): void {
    // The rest of a short answer may be on its way, and has a deadline.
    if (this.phase === 'held') return
    const failure = this.failure('hang', detail, 0)
    if (this.owner.keepsWaiting(failure)) return
    this.cancel()
    this.owner.onFailed(failure, this)
  }

  onOverdue(): void {
    this.owner.onOverdue()
  }

  sweep(now: Millis): void {
    const late = this.tooLate(now)
    if (late !== null) this.channel?.fail('timeout', late)
  }

  private tooLate(now: Millis): string | null {
    const { responseHead, request } = this.limits
    // An answer that has begun may take its time: events, long polls, large files.
    if (this.phase === 'streaming') return null
    const waited = now - this.since
    if (this.phase === 'connecting') return this.connectsTooLong(waited, now)
    if (this.waitsForClient()) return null
    if (waited > responseHead) return `no answer within ${responseHead} ms`
    const late = this.request.bodyDone && now - this.request.waitingSince > request
    return late ? `no answer within ${request} ms in all` : null
  }

  private connectsTooLong(waited: number, now: Millis): string | null {
    const within = this.endpoint?.ledger.answerTimes.connectWithin(this.limits.connect, now) ?? this.limits.connect
    return waited > within ? `no connection within ${Math.round(within)} ms` : null
  }

  /** The next piece of the body is the client's to send: whatever the delay, it is not the upstream's. */
  private waitsForClient(): boolean {
    const { bodyDone, awaitsContinue } = this.request
    return this.phase === 'partly-sent' && !bodyDone && !awaitsContinue && this.channel?.pending === 0
  }

  private switchProtocols(channel: UpstreamChannel): void {
    const refusal = this.owner.onSwitching(channel)
    if (refusal !== null) return channel.fail('protocol', refusal)
    this.end()
  }

  private release(channel: UpstreamChannel): void {
    if (!this.passOn(channel)) channel.pause()
  }

  /** What was held goes to the client. Returns false when it should be given time. */
  private passOn(channel: UpstreamChannel): boolean {
    this.phase = 'streaming'
    const { text, chunks } = this.held
    this.held.clear()
    let flowing = this.owner.onAnswer(channel.head, text, this)
    for (const chunk of chunks) flowing = this.owner.onAnswerBytes(null, chunk, 0, chunk.length)
    return flowing
  }

  private settle(): void {
    this.endpoint?.ledger.waitEnded(this)
  }

  private end(): void {
    this.settle()
    this.channel = null
    this.endpoint?.ledger.attemptEnded()
  }

  private failure(kind: FailureKind, detail: string, status: number): Failure {
    const blame = kind === 'aborted' ? 'proxy' : 'upstream'
    // Had the server closed it before the request came, that would have shown within a round trip.
    const proven = this.fresh || this.now() - this.since > STALE_SHOWS_WITHIN
    const connection = proven ? 'fresh' : 'reused'
    return { phase: this.phase, blame, connection, kind, detail, status }
  }
}
