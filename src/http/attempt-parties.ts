/** The two that an attempt has to do with: the request that it tries, and whoever keeps it and hears how it went. */
import type { Failure } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Transport } from '../wire/transport.ts'
import type { UpstreamChannel } from '../wire/upstream-channel.ts'
import type { Attempt } from './attempt.ts'
import type { ReplayBody } from './replay-body.ts'

/** What an attempt needs of the request it serves. */
export interface AttemptedRequest {
  readonly method: string
  readonly target: string
  readonly bareBody: boolean
  readonly bodyDone: boolean
  /** The client sends its body only when it is told to. */
  readonly awaitsContinue: boolean
  readonly body: ReplayBody
  /** Since when the client has had nothing more to send. */
  readonly waitingSince: Millis
  /** `GET /items`: the class of routes that the request belongs to, for evidence. */
  routeClass(): string
  /** Bytes of the request may flow. */
  onRequestWritable(): void
}

/** What an attempt tells, to whoever keeps it. */
export interface AttemptOwner {
  onInterim(head: ResponseHead): void
  /** The upstream answered with an error that may be replayed. True: the answer is not wanted, the attempt is over. */
  declines(failure: Failure, attempt: Attempt): boolean
  /** Head and first bytes. Returns false when the client should be given time. */
  onAnswer(head: ResponseHead, body: string, attempt: Attempt): boolean
  onAnswerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean
  /** `trailers`: field lines, for exchanges whose bodies are bare. */
  onAnswerEnd(trailers: string): void
  /** A 101: opens the tunnel, or says why not. */
  onSwitching(channel: UpstreamChannel): string | null
  onFailed(failure: Failure, attempt: Attempt): void
  /** True: goes on waiting all the same. */
  keepsWaiting(failure: Failure): boolean
  /** The answer takes longer than such answers nearly ever do, and the upstream is in doubt. */
  onOverdue(): void
}
