/**
 * One exchange with an upstream on one HTTP/2 stream (RFC 9113 §8.1): takes the request in the form of HTTP/1.1, and says
 * once how it ended. The response is `http2-response.ts`'s.
 */
import type { ClientHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { FailureKind } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import { BodyFraming } from './body-framing.ts'
import type { OpenStream } from './http2-connect.ts'
import { requestList, trailerRecord } from './http2-fields.ts'
import { streamFailure } from './http2-reset.ts'
import type { ResponseOwner } from './http2-response.ts'
import { Http2Response } from './http2-response.ts'
import type { HeadLimits } from './limits.ts'
import { RequestHead } from './request-head.ts'
import { ResponseHead } from './response-head.ts'
import type { Transport } from './transport.ts'
import type { ResponseHandler, UpstreamChannel } from './upstream-channel.ts'

/** The connection that a stream is on. */
export interface StreamCarrier {
  readonly limits: HeadLimits
  readonly scheme: 'http' | 'https'
  /** For requests with an empty Host. */
  readonly authority: string
  /** Calls `begin` once a request can be sent: at once when it can. */
  enter(channel: Http2Channel): void
  /** Null until then. */
  readonly openStream: OpenStream | null
  /** For whatever closes something: see there. */
  afterEvents(task: () => void): void
  onHeard(): void
  /** The channel is done with it. `overdue`: it would not wait for the connection any longer. */
  onLeft(channel: Http2Channel, overdue: boolean): void
}

/** The front has judged the request, by the limits that hold there. */
const NO_LIMITS: HeadLimits = {
  headBytes: Number.POSITIVE_INFINITY,
  fields: Number.POSITIVE_INFINITY,
  targetBytes: Number.POSITIVE_INFINITY,
}

export class Http2Channel implements UpstreamChannel, ResponseOwner {
  readonly head = new ResponseHead()
  readonly served: number
  readonly transport: Transport | null = null
  /** It had to change the connection once: its first one has room for fewer than was thought. */
  moved = false
  /** Null once it was let go of. */
  private carrier: StreamCarrier | null
  private handler: ResponseHandler | null = null
  private stream: ClientHttp2Stream | null = null
  private response: Http2Response | null = null
  private readonly body = new BodyFraming()
  private readonly bodySink = {
    onBody: (bytes: Buffer, from: number, to: number) => this.stream?.write(bytes.subarray(from, to)),
  }
  private error: NodeJS.ErrnoException | null = null

  constructor(carrier: StreamCarrier, served: number) {
    this.carrier = carrier
    this.served = served
  }

  // ---- from the connection ---------------------------------------------------------------------------------------

  moveTo(carrier: StreamCarrier): void {
    this.moved = true
    this.carrier = carrier
    carrier.enter(this)
  }

  begin(): void {
    this.handler?.onConnected()
  }

  /** 0 as long as there is none. */
  get streamId(): number {
    return this.stream?.id ?? 0
  }

  /** The connection is gone, or is about to be closed. */
  lost(kind: FailureKind, detail: string): void {
    if (this.response?.keepRest()) return
    this.tell(this.headSeen && kind === 'reset' ? 'truncated' : kind, detail)
  }

  unprocessed(detail: string): void {
    this.tell(this.headSeen ? 'truncated' : 'unprocessed', detail)
  }

  /** Tells whoever waits for an answer, or for the rest of one, that it may be in vain. */
  abandon(detail: string): void {
    this.handler?.onAbandoned(detail)
  }

  sweep(now: Millis): void {
    this.handler?.sweep(now)
  }

  // ---- from its user ---------------------------------------------------------------------------------------------

  use(handler: ResponseHandler): void {
    this.handler = handler
    this.carrier?.enter(this)
  }

  get pending(): number {
    return this.stream?.writableLength ?? 0
  }

  /** The first text has the whole head. */
  writeText(latin1: string): boolean {
    if (this.stream) return this.write(Buffer.from(latin1, 'latin1'))
    const bodyAt = latin1.indexOf('\r\n\r\n') + 4
    this.openStream(latin1.slice(0, bodyAt))
    return bodyAt === latin1.length || this.write(Buffer.from(latin1.slice(bodyAt), 'latin1'))
  }

  writeKept(bytes: Buffer): boolean {
    return this.write(bytes)
  }

  /** The session writes when it pleases: what somebody is delivering has to be copied. */
  writeFrom(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    const piece = bytes.subarray(from, to)
    return this.write(source ? Buffer.from(piece) : piece)
  }

  /** The framing of what was written has said so already. */
  requestFinished(): void {}

  pause(): void {
    this.response?.pause()
  }

  resume(): void {
    this.response?.resume()
  }

  discard(): void {
    this.reset(constants.NGHTTP2_CANCEL)
    this.letGo(false)
  }

  fail(kind: FailureKind, detail: string): void {
    this.reset(kind === 'protocol' ? constants.NGHTTP2_PROTOCOL_ERROR : constants.NGHTTP2_CANCEL)
    this.tell(kind, detail, this.stream === null)
  }

  /** HTTP/2 has no 101, so nobody gets here. */
  startTunnel(): void {
    this.fail('protocol', 'a tunnel on a connection that is shared')
  }

  // ---- the request -----------------------------------------------------------------------------------------------

  private openStream(text: string): void {
    const { carrier, handler } = this
    if (!carrier?.openStream || !handler) return
    const head = new RequestHead()
    const refusal = head.parse(text, NO_LIMITS)
    if (refusal !== null) return this.cannotSend(refusal.reason)
    const endStream = head.body === 'none'
    // Without waiting for trailers, node:http2 would end a body (END_STREAM) before it resets the stream, and half a
    // request would pass for a whole one.
    const how = { endStream, waitForTrailers: !endStream }
    const stream = carrier.openStream(requestList(head, carrier.scheme, carrier.authority), how)
    this.body.start(head.body, head.length, true)
    this.stream = stream
    this.response = new Http2Response(stream, handler, { owner: this, limits: carrier.limits })
    stream.on('drain', () => this.handler?.onWritable())
    stream.on('wantTrailers', () => stream.sendTrailers(trailerRecord(this.body.bareTrailers)))
    stream.on('error', (error) => {
      this.error = error
    })
    stream.on('close', () => this.onStreamClosed(stream.rstCode))
  }

  private write(bytes: Buffer): boolean {
    const { stream, body } = this
    if (!stream?.writable) return true
    body.read(bytes, 0, bytes.length, this.bodySink)
    if (body.problem !== null) this.cannotSend(body.problem.reason)
    if (body.done) stream.end()
    return !stream.writableNeedDrain
  }

  /** Not from within a call of whoever would be told. */
  private cannotSend(reason: string): void {
    queueMicrotask(() => this.fail('aborted', `the request cannot be sent: ${reason}`))
  }

  // ---- the response ----------------------------------------------------------------------------------------------

  onHeard(): void {
    this.carrier?.onHeard()
  }

  onComplete(trailers: string): void {
    const { handler } = this
    // RFC 9113 §8.1: whoever has answered need not be sent the rest of the request.
    if (!this.stream?.writableFinished) this.reset(constants.NGHTTP2_CANCEL)
    this.letGo(false)
    handler?.onFinished(trailers)
  }

  // ---- how it ends -----------------------------------------------------------------------------------------------

  private get headSeen(): boolean {
    return this.response?.headSeen ?? false
  }

  private onStreamClosed(code: number): void {
    if (this.response?.keepsRest) return
    const { kind, detail } = streamFailure(code, this.error, this.headSeen)
    this.tell(kind, detail)
  }

  private tell(kind: FailureKind, detail: string, overdue = false): void {
    const { handler } = this
    this.letGo(overdue)
    handler?.onFailed(kind, detail)
  }

  private reset(code: number): void {
    const { stream, carrier } = this
    if (stream) carrier?.afterEvents(() => stream.close(code))
  }

  private letGo(overdue: boolean): void {
    const { carrier } = this
    this.handler = null
    this.carrier = null
    this.response?.release()
    carrier?.onLeft(this, overdue)
  }
}
