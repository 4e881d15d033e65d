/** One HTTP/2 stream: brings its request to an exchange, and takes the answer as frames (RFC 9113 §8.1). */
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { Millis } from '../core/time.ts'
import type { HeaderList } from '../wire/http2-fields.ts'
import type { HeadLimits } from '../wire/limits.ts'
import type { AnswerSink, FieldList } from './answer-sink.ts'
import { GrpcMessages, isGrpc } from './grpc-messages.ts'
import { canonicalHead, canonicalTrailers } from './http2-request.ts'
import type { MessageExchange } from './message-exchange.ts'

export interface SinkOwner {
  now(): Millis
  /** The stream is over. `reset`: not by its regular end. */
  onStreamClosed(sink: Http2Sink, reset: boolean): void
}

/** Names that node:http2 throws on. Trailers are passed on by other rules than heads. */
const NEVER_SENT = /^(?:connection|proxy-connection|keep-alive|transfer-encoding|upgrade|te|http2-settings)$/
const BROKE_OFF = { 'grpc-status': '14', 'grpc-message': 'the upstream broke off' }

export class Http2Sink implements AnswerSink {
  private readonly stream: ServerHttp2Stream
  private readonly owner: SinkOwner
  private exchange: MessageExchange | null = null
  /** What the client sent last of its body, or was last asked for. */
  private heardAt: Millis
  private paused = false
  private headSent = false
  private ended = false
  /** Set before the head is sent: whether trailers may follow (node:http2 has to know). */
  private mayTrail = false
  private trailers: OutgoingHttpHeaders = {}
  private requestTrailers = ''
  /** Of a gRPC call; null for every other request. */
  private messages: GrpcMessages | null = null
  /** Nothing can be written: node:http2 has ended its side of a HEAD from the start. */
  private bodiless = false
  private brokenOff = false
  /** More was written than the client takes for now. */
  private full = false

  constructor(stream: ServerHttp2Stream, owner: SinkOwner) {
    this.stream = stream
    this.owner = owner
    this.heardAt = owner.now()
  }

  /** The client has something of the answer to take. */
  get waiting(): boolean {
    return this.full || this.ended
  }

  start(exchange: MessageExchange, fields: HeaderList, limits: HeadLimits): void {
    const { stream } = this
    this.exchange = exchange
    if (isGrpc(firstValue(fields, 'content-type'))) this.messages = new GrpcMessages()
    this.bodiless = firstValue(fields, ':method') === 'HEAD'
    // What lies unread in a paused stream would keep its end from coming, and its close behind that.
    stream.on('aborted', () => {
      exchange.gone()
      this.letClose()
    })
    stream.on('close', () => this.close(exchange))
    stream.on('drain', () => {
      this.full = false
      exchange.writable()
    })
    stream.on('wantTrailers', () => stream.sendTrailers(this.trailers))
    const bodyFollows = !stream.endAfterHeaders
    const head = canonicalHead(fields, limits, bodyFollows)
    if (typeof head !== 'string') exchange.refuse(head)
    else exchange.begin(head, bodyFollows)
    if (bodyFollows) this.readBody(exchange)
  }

  private readBody(exchange: MessageExchange): void {
    const { stream } = this
    stream.on('trailers', (_headers: unknown, _flags: unknown, fields: string[]) => {
      const trailers = canonicalTrailers(fields)
      if (typeof trailers === 'string') this.requestTrailers = trailers
      else exchange.refuse(trailers)
    })
    stream.on('end', () => {
      // By a reset that calls itself no error, a request ends like a whole one, but its stream is closed before that.
      if (stream.closed) exchange.gone()
      else exchange.bodyEnd(this.requestTrailers)
    })
    stream.on('data', (bytes: Buffer) => {
      this.heardAt = this.owner.now()
      this.messages?.read(bytes)
      exchange.body(bytes)
    })
  }

  private close(exchange: MessageExchange): void {
    exchange.gone()
    const { rstCode, aborted } = this.stream
    const reset = !this.brokenOff && (aborted || rstCode !== constants.NGHTTP2_NO_ERROR || !this.ended)
    this.owner.onStreamClosed(this, reset)
  }

  /** The connection has ended, though its stream may come to its end later. */
  gone(): void {
    this.exchange?.gone()
  }

  /** `silence`: how long a client may leave the body of a request unsent that nobody has answered yet. */
  sweep(now: Millis, silence: number): void {
    const { exchange } = this
    if (!exchange) return
    if (this.ended) return this.stopReading()
    if (this.paused || !exchange.awaitsBody || !this.owesBody || now - this.heardAt <= silence) return
    exchange.refuse({ status: 408, reason: `nothing of the request body for ${silence} ms` })
  }

  /** A call may be open without a word, even before its answer: streams go both ways. But a message has to be finished. */
  private get owesBody(): boolean {
    return this.messages?.within ?? true
  }

  /**
   * RFC 9113 §8.1: the answer is whole, the rest of the request is not wanted. Not before all of it is sent: a reset
   * overtakes what is waiting.
   */
  private stopReading(): void {
    const { stream } = this
    if (stream.destroyed || stream.closed || stream.readableEnded) return
    if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR)
  }

  // ---- from the exchange -----------------------------------------------------------------------------------------

  pauseBody(): void {
    this.paused = true
    this.stream.pause()
  }

  resumeBody(): void {
    if (!this.paused) return
    this.paused = false
    this.heardAt = this.owner.now()
    this.stream.resume()
  }

  interim(status: number, fields: FieldList): void {
    if (this.usable) this.stream.additionalHeaders({ ':status': status, ...grouped(fields) })
  }

  head(status: number, _reason: string, fields: FieldList, endsHere: boolean): void {
    if (!this.usable) return
    const list: string[] = [':status', `${status}`]
    let length = false
    for (const [name, value] of fields) {
      const lower = name.toLowerCase()
      length ||= lower === 'content-length'
      if (status !== 205 || lower !== 'content-length') list.push(lower, value)
    }
    // node:http2 ends a 205 by itself, whatever was said of its body (RFC 9110 §15.3.6).
    const endStream = endsHere || this.bodiless || status === 205
    this.headSent = true
    this.mayTrail = !endStream && !length
    const how = { endStream, waitForTrailers: this.mayTrail, sendDate: false }
    this.stream.respond(list, how)
    if (endStream) this.finish()
  }

  write(bytes: Buffer): boolean {
    if (!this.usable) return true
    this.full = !this.stream.write(bytes)
    return !this.full
  }

  end(trailers: FieldList): void {
    if (!this.usable) return
    this.trailers = grouped(trailers)
    this.finish()
  }

  truncate(): void {
    if (!this.usable) return
    this.brokenOff = true
    if (this.messages && this.headSent && this.mayTrail) {
      this.trailers = BROKE_OFF
      this.finish()
    } else {
      // Not `close`: that ends the stream first, and what was cut off would look whole; and within an event of node:http2
      // it aborts the process (`Http2Stream::OnTrailers`). With an error it is INTERNAL_ERROR.
      this.stream.destroy(new Error('the upstream broke off'))
    }
  }

  private get usable(): boolean {
    return !this.ended && !this.stream.destroyed && !this.stream.closed
  }

  private finish(): void {
    this.ended = true
    this.stream.end()
    this.letClose()
  }

  /** The rest of the request is thrown away: unread, it would keep the stream from ever closing. */
  private letClose(): void {
    this.stream.resume()
  }
}

function firstValue(fields: HeaderList, name: string): string {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1] ?? ''
  return ''
}

/** The form that node:http2 wants trailers and interim answers in. */
function grouped(fields: FieldList): OutgoingHttpHeaders {
  const headers: Record<string, string[]> = Object.create(null)
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    if (NEVER_SENT.test(lower)) continue
    const values = headers[lower]
    if (values) values.push(value)
    else headers[lower] = [value]
  }
  return headers
}
