/**
 * The response on one HTTP/2 stream (RFC 9113 §8.1), handed over in the form of HTTP/1.1.
 *
 * Two traps of node:http2 this file guards: a stream that the upstream resets without an error ends like a whole one; and
 * a response that has come whole, but waits for a slow client, is thrown away when its connection closes.
 */
import type { ClientHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { FailureKind } from '../core/failure.ts'
import { BodyFraming } from './body-framing.ts'
import type { HeaderList } from './http2-fields.ts'
import { responseText, trailerText } from './http2-fields.ts'
import type { HeadLimits } from './limits.ts'
import type { ResponseHead } from './response-head.ts'
import type { ResponseHandler } from './upstream-channel.ts'

export interface ResponseOwner {
  readonly head: ResponseHead
  /** Something came: the upstream is alive. */
  onHeard(): void
  /** All of it was handed over; what is left is to say so. */
  onComplete(trailers: string): void
  fail(kind: FailureKind, detail: string): void
}

const MAX_INTERIM = 16
const NO_SINK = { onBody: () => {} }

export class Http2Response {
  /** The final one. */
  headSeen = false
  private readonly stream: ClientHttp2Stream
  private readonly owner: ResponseOwner
  private readonly limits: HeadLimits
  private handler: ResponseHandler | null
  private interims = 0
  private received = 0
  private trailers = ''
  private paused = false
  /** END_STREAM came: nothing is missing. */
  private whole = false
  /** What is left to hand over of a whole response without a connection. */
  private rest: Buffer[] | null = null

  constructor(
    stream: ClientHttp2Stream,
    handler: ResponseHandler,
    setup: Readonly<{ owner: ResponseOwner; limits: HeadLimits }>,
  ) {
    this.stream = stream
    this.handler = handler
    this.owner = setup.owner
    this.limits = setup.limits
    this.watchEnd()
    stream.on('headers', (_headers, _flags, list) => this.readHead(list, false))
    stream.on('response', (_headers, flags, list) => {
      this.readHead(list, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)
    })
    stream.on('trailers', (_headers, _flags, list) => this.readTrailers(list))
    stream.on('end', () => this.readEnd())
  }

  /** By a reset a stream is closed before its reading ends, by END_STREAM after. */
  private watchEnd(): void {
    const { stream } = this
    const push = stream.push.bind(stream)
    stream.push = (chunk, encoding) => {
      if (chunk === null && !stream.closed) this.whole = true
      return push(chunk, encoding)
    }
  }

  get keepsRest(): boolean {
    return this.rest !== null
  }

  /** Whoever wanted it has let go. */
  release(): void {
    this.handler = null
    this.rest &&= []
  }

  pause(): void {
    this.paused = true
    this.stream.pause()
  }

  resume(): void {
    this.paused = false
    // Before the head, nobody listens yet: what then flows is lost.
    if (this.rest) this.handOverRest()
    else if (this.headSeen) this.stream.resume()
  }

  /** The connection goes away. Returns whether the response can do without. */
  keepRest(): boolean {
    if (!this.whole || !this.headSeen) return false
    this.rest ??= []
    while (this.stream.read() !== null);
    if (!this.paused) this.handOverRest()
    return true
  }

  private handOverRest(): void {
    while (this.handler && !this.paused) {
      const bytes = this.rest?.shift()
      if (!bytes) return this.finish()
      this.handOver(bytes)
    }
  }

  private readHead(list: HeaderList, ended: boolean): void {
    const { handler, owner } = this
    owner.onHeard()
    if (!handler) return
    const problem = this.parseHead(list, handler.method, ended)
    if (problem !== null) return owner.fail('protocol', problem)
    if (owner.head.status < 200) return handler.onInterim()
    this.headSeen = true
    handler.onHead()
    if (this.handler !== handler) return
    this.stream.on('data', (bytes: Buffer) => this.readBody(bytes))
    // What came with the head goes out with it: it is read before this runs.
    queueMicrotask(() => this.handler?.onBatch())
  }

  private parseHead(list: HeaderList, method: string, ended: boolean): string | null {
    const { head } = this.owner
    if (this.headSeen) return 'a second response head'
    const { problem, text } = responseText(list, method, ended)
    if (problem !== null) return problem
    if (text.length > this.limits.headBytes) return 'the response head is too-long'
    const refusal = head.parse(text, method, this.limits)
    if (refusal !== null || head.status >= 200) return refusal
    if (head.status === 101) return '101 in HTTP/2'
    if (ended) return 'nothing but an interim response'
    return ++this.interims > MAX_INTERIM ? `more than ${MAX_INTERIM} interim responses` : null
  }

  private readBody(bytes: Buffer): void {
    this.owner.onHeard()
    if (this.rest) this.rest.push(bytes)
    else this.handOver(bytes)
  }

  private handOver(bytes: Buffer): void {
    const { handler, owner } = this
    if (!handler) return
    const { body, length } = owner.head
    this.received += bytes.length
    if (body === 'none') return owner.fail('protocol', 'a body where none may be')
    if (body === 'length' && this.received > length) return owner.fail('protocol', 'a body longer than its length')
    const framed = this.frames ? asChunk(bytes) : bytes
    handler.onBody(framed, 0, framed.length)
    if (this.handler === handler) handler.onBatch()
  }

  /** Whoever takes it wants the framing of HTTP/1.1. */
  private get frames(): boolean {
    return this.owner.head.body === 'chunked' && this.handler?.bareBody === false
  }

  /** Judged by the rules for those of a chunked body. */
  private readTrailers(list: HeaderList): void {
    const { owner } = this
    owner.onHeard()
    const { problem, text } = trailerText(list)
    if (problem !== null) return owner.fail('protocol', `${problem}, in the trailers`)
    const section = Buffer.from(`0\r\n${text}\r\n`, 'latin1')
    const framing = new BodyFraming()
    framing.start('chunked', 0, true)
    framing.read(section, 0, section.length, NO_SINK)
    if (framing.problem !== null) return owner.fail('protocol', framing.problem.reason)
    this.trailers = text
  }

  /** Without END_STREAM it was a reset without an error: only what has a length can be told to be whole then. */
  private readEnd(): void {
    const { body, length } = this.owner.head
    const complete = this.whole || (this.headSeen && body === 'length' && this.received === length)
    if (complete && this.rest === null) this.finish()
  }

  private finish(): void {
    const { handler, owner, trailers } = this
    if (!handler) return
    const { body, length } = owner.head
    if (body === 'length' && this.received < length) return owner.fail('truncated', 'a body shorter than its length')
    if (this.frames) {
      const last = Buffer.from(`0\r\n${trailers}\r\n`, 'latin1')
      handler.onBody(last, 0, last.length)
    }
    if (this.handler !== handler) return
    this.release()
    owner.onComplete(handler.bareBody ? trailers : '')
  }
}

/** One piece, so that it is one write. */
function asChunk(bytes: Buffer): Buffer {
  const size = bytes.length.toString(16)
  const chunk = Buffer.allocUnsafe(size.length + bytes.length + 4)
  chunk.write(`${size}\r\n`, 0, 'latin1')
  bytes.copy(chunk, size.length + 2)
  chunk.write('\r\n', size.length + 2 + bytes.length, 'latin1')
  return chunk
}
