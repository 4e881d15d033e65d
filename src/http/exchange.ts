/**
 * One request and its answer, whichever way it came in: the seam between forwarding and the front. HTTP/1.1 on sockets
 * implements it in `wire-exchange.ts`; other fronts implement the same.
 */
import type { RequestHead } from '../wire/request-head.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Splice } from '../wire/splice.ts'
import type { Transport } from '../wire/transport.ts'
import type { UpstreamChannel } from '../wire/upstream-channel.ts'
import type { ErrorReply } from './error-response.ts'

/** Who is at the other end, and by which way it came; the same for every exchange of a connection. */
export type ClientInfo = Readonly<{
  listener: string
  address: string
  secure: boolean
  /** Of the protocol it speaks, as in Via (RFC 9110 §7.6.3). */
  version: '1.1' | '2.0'
  /** Field lines about its verified certificate; '' when there is nothing to say. */
  identity: string
  /** What it says of the clients behind it (X-Forwarded-*) is believed. */
  trusted: boolean
}>

export interface Exchange {
  /** Valid until the answer has ended. */
  readonly head: RequestHead
  readonly client: ClientInfo
  /** The request body has been read to its end. */
  readonly bodyDone: boolean
  /** Takes the content of chunked answers without its framing: it has a framing of its own (HTTP/2), or none (HTTP/1.0). */
  readonly bareBody: boolean

  pauseBody(): void
  resumeBody(): void

  interim(response: ResponseHead): void
  /** Head and first bytes of the body (latin1). All answer methods return false when the client should be given time. */
  answer(response: ResponseHead, body: string): boolean
  /** Bytes that `source` is delivering at this moment, framing included; without a source they stay as they are. */
  answerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean
  /** `trailers`: field lines, for exchanges with a bare body. */
  answerEnd(trailers: string): void
  answerError(reply: ErrorReply): void
  /** Breaks off a begun answer so that the client sees it. */
  truncate(): void
  /** Passes a 101 on and joins the two connections. Null: not a connection that can be joined. */
  openTunnel(response: ResponseHead, upstream: UpstreamChannel, idleFor: number, onEnd: () => void): Splice | null
}

/** What an exchange tells whoever serves it; the counterpart of the methods above. */
export interface ExchangeServer {
  /** `exchange.head` is new. */
  requestBegun(): void
  /** Bytes of the body that `source` is delivering at this moment, framing included; without a source they stay as they are. */
  requestBytes(source: Transport | null, bytes: Buffer, from: number, to: number): void
  /** All that has arrived so far was handed over. */
  requestBatch(): void
  /** The request turned out to be malformed or too slow. */
  requestRefused(reply: ErrorReply): void
  clientWritable(): void
  clientGone(): void
}
