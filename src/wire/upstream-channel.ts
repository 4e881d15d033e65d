/**
 * One request's way to an upstream and back, whatever carries it: a connection of its own (HTTP/1.1) or one stream of a
 * shared one (HTTP/2). What is written is an HTTP/1.1 message, the form that every request has inside.
 */
import type { FailureKind } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { BodySink } from './body-framing.ts'
import type { ResponseHead } from './response-head.ts'
import type { TunnelEnd } from './splice.ts'
import type { Transport } from './transport.ts'

/** Takes the response to one request. After `onFailed` or `onFinished` it hears no more. */
export interface ResponseHandler extends BodySink {
  readonly method: string
  /** Wants the content of a chunked body without its framing; trailers then come with `onFinished`. */
  readonly bareBody: boolean
  onConnected(): void
  /** 1xx other than 101. */
  onInterim(): void
  onHead(): void
  /** All that has arrived so far was handed over. */
  onBatch(): void
  /** `trailers`: field lines for a `bareBody` handler, '' when there are none. */
  onFinished(trailers: string): void
  onWritable(): void
  onFailed(kind: FailureKind, detail: string): void
  /** The pool has given the upstream up. May let go of the channel, or go on waiting. */
  onAbandoned(detail: string): void
  sweep(now: Millis): void
}

export interface UpstreamChannel {
  /** Of the response; valid from `onInterim` or `onHead` until the next. */
  readonly head: ResponseHead
  /** Requests that the same connection carried before. */
  readonly served: number
  /** The connection behind it; null where many exchanges share one. */
  readonly transport: Transport | null
  /** Bytes written that nobody has taken yet. */
  readonly pending: number
  /** Takes it for one exchange; `handler.onConnected` follows, at once when it already is. */
  use(handler: ResponseHandler): void
  /** All writes return false when the upstream should be given time: wait for `onWritable`. */
  writeText(latin1: string): boolean
  /** Bytes that stay as they are until they are written. */
  writeKept(bytes: Buffer): boolean
  /** Bytes that `source` is delivering at this moment. */
  writeFrom(source: Transport | null, bytes: Buffer, from: number, to: number): boolean
  /** The whole request was written. */
  requestFinished(): void
  /** Of the response. */
  pause(): void
  resume(): void
  /** Whoever used it lets go before the response has ended. */
  discard(): void
  /** Ends it; whoever used it learns why. */
  fail(kind: FailureKind, detail: string): void
  /** After a 101: bytes, not messages. */
  startTunnel(end: TunnelEnd): void
}

/** All channels to one upstream. */
export interface UpstreamChannels {
  /** Connections open. */
  readonly size: number
  /** Opens connections ahead until `count` are idle, or as many as may be. `done` comes once each is open or has failed, which may be at once. */
  preconnect(count: number, done: () => void): void
  /** One that will do for such a request; it may still be connecting. Null: as many as may be are taken. */
  acquire(repeatable: boolean): UpstreamChannel | null
  /** The same, on a connection that has carried nothing yet where one may be opened. */
  open(): UpstreamChannel | null
  /** Tells whoever waits for an answer, or for the rest of one, that it may be in vain. */
  abandonWaiting(detail: string): void
  /** Tunnels have ends of their own. */
  closeAll(): void
}
