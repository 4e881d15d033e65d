/**
 * One request and its answer, whichever way it came in: the seam between forwarding and the front. HTTP/1.1 on sockets
 * implements it in `wire-exchange.ts`; other fronts implement the same.
 */
import type { RequestHead } from '../wire/request-head.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Splice } from '../wire/splice.ts'
import type { Transport } from '../wire/transport.ts'
import type { UpstreamConnection } from '../wire/upstream-connection.ts'
import type { ErrorReply } from './error-response.ts'

/** Who is at the other end, and by which way it came; the same for every exchange of a connection. */
export type ClientInfo = Readonly<{
  listener: string
  address: string
  secure: boolean
  /** What it says of the clients behind it (X-Forwarded-*) is believed. */
  trusted: boolean
}>

export interface Exchange {
  /** Valid until the answer has ended. */
  readonly head: RequestHead
  readonly client: ClientInfo
  /** The request body has been read to its end. */
  readonly bodyDone: boolean
  /** The client knows no chunked framing (HTTP/1.0). */
  readonly bareBody: boolean

  pauseBody(): void
  resumeBody(): void

  interim(response: ResponseHead): void
  /** Head and first bytes of the body (latin1). All answer methods return false when the client should be given time. */
  answer(response: ResponseHead, body: string): boolean
  /** Bytes that `source` is delivering at this moment. */
  answerBytes(source: Transport, bytes: Buffer, from: number, to: number): boolean
  answerEnd(): void
  answerError(reply: ErrorReply): void
  /** Breaks off a begun answer so that the client sees it. */
  truncate(): void
  /** Passes a 101 on and joins the two connections. */
  openTunnel(response: ResponseHead, upstream: UpstreamConnection, idleFor: number, onEnd: () => void): Splice
}

/** What an exchange tells whoever serves it; the counterpart of the methods above. */
export interface ExchangeServer {
  /** `exchange.head` is new. */
  requestBegun(): void
  /** Bytes of the body that `source` is delivering at this moment, framing included. */
  requestBytes(source: Transport, bytes: Buffer, from: number, to: number): void
  /** All that has arrived so far was handed over. */
  requestBatch(): void
  /** The request turned out to be malformed or too slow. */
  requestRefused(reply: ErrorReply): void
  clientWritable(): void
  clientGone(): void
}
