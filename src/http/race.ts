/**
 * One attempt at a request or, once that takes too long, two at different upstreams: the first answer wins. The other
 * attempt is dropped and counts for nothing.
 */
import type { Failure } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Transport } from '../wire/transport.ts'
import type { UpstreamChannel } from '../wire/upstream-channel.ts'
import type { AttemptLimits } from './attempt.ts'
import { Attempt } from './attempt.ts'
import type { AttemptedRequest, AttemptOwner } from './attempt-parties.ts'
import type { UpstreamEndpoint } from './upstream-endpoint.ts'

/** What the race tells the request it is run for: the same as its attempts would, were there only one. */
export interface RaceOwner {
  onInterim(head: ResponseHead): void
  declines(failure: Failure): boolean
  onAnswer(head: ResponseHead, body: string): boolean
  onAnswerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean
  onAnswerEnd(trailers: string): void
  onSwitching(channel: UpstreamChannel): string | null
  onFailed(failure: Failure): void
  keepsWaiting(failure: Failure): boolean
  onOverdue(): void
  /** One of two attempts failed; the other goes on. */
  onDropped(failure: Failure, upstream: UpstreamId | null): void
  /** The second attempt answered first. */
  onHedgeWon(): void
}

export class Race implements AttemptOwner {
  private readonly owner: RaceOwner
  private readonly request: AttemptedRequest
  private readonly setup: Readonly<{ limits: AttemptLimits; now: () => Millis }>
  private lead: Attempt
  /** The second attempt, while there is one. Most requests never need it. */
  private rival: Attempt | null = null

  constructor(
    owner: RaceOwner,
    request: AttemptedRequest,
    setup: Readonly<{ limits: AttemptLimits; now: () => Millis }>,
  ) {
    this.owner = owner
    this.request = request
    this.setup = setup
    this.lead = new Attempt(request, this, setup)
  }

  /** Of the attempt that leads. */
  get endpoint(): UpstreamEndpoint | null {
    return this.lead.endpoint
  }

  get upstream(): UpstreamId | null {
    return upstreamOf(this.lead)
  }

  get takesBytes(): boolean {
    return this.lead.takesBytes
  }

  start(endpoint: UpstreamEndpoint, channel: UpstreamChannel, suspect: boolean): void {
    this.lead.start(endpoint, channel, suspect)
  }

  hedge(endpoint: UpstreamEndpoint, channel: UpstreamChannel): void {
    this.rival = new Attempt(this.request, this, this.setup)
    this.rival.start(endpoint, channel, true)
  }

  sendBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    return this.lead.sendBytes(source, bytes, from, to)
  }

  requestEnded(): void {
    this.lead.requestEnded()
  }

  clientWritable(): void {
    this.lead.clientWritable()
  }

  /** Lets go of everything without a verdict on anyone. */
  cancel(): void {
    this.lead.cancel()
    this.rival?.cancel()
    this.rival = null
  }

  onInterim(head: ResponseHead): void {
    if (this.rival === null) this.owner.onInterim(head)
  }

  declines(failure: Failure, attempt: Attempt): boolean {
    if (this.rival === null) return this.owner.declines(failure)
    this.drop(attempt, failure)
    return true
  }

  onAnswer(head: ResponseHead, body: string, attempt: Attempt): boolean {
    const { rival } = this
    if (rival !== null) {
      const loser = attempt === rival ? this.lead : rival
      this.lead = attempt
      this.rival = null
      loser.cancel()
      if (attempt === rival) this.owner.onHedgeWon()
    }
    return this.owner.onAnswer(head, body)
  }

  onAnswerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    return this.owner.onAnswerBytes(source, bytes, from, to)
  }

  onAnswerEnd(trailers: string): void {
    this.owner.onAnswerEnd(trailers)
  }

  onSwitching(channel: UpstreamChannel): string | null {
    return this.owner.onSwitching(channel)
  }

  onFailed(failure: Failure, attempt: Attempt): void {
    if (this.rival === null) return this.owner.onFailed(failure)
    this.drop(attempt, failure)
  }

  keepsWaiting(failure: Failure): boolean {
    return this.rival === null && this.owner.keepsWaiting(failure)
  }

  onOverdue(): void {
    if (this.rival === null) this.owner.onOverdue()
  }

  private drop(attempt: Attempt, failure: Failure): void {
    if (attempt === this.lead && this.rival !== null) this.lead = this.rival
    this.rival = null
    this.owner.onDropped(failure, upstreamOf(attempt))
  }
}

const upstreamOf = (attempt: Attempt): UpstreamId | null => attempt.endpoint?.ledger.id ?? null
