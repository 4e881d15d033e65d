/**
 * The server's side of one client connection (RFC 9112): reads requests one after the other, hands each to its handler,
 * and writes the answer. Knows nothing of upstreams.
 */
import type net from 'node:net'
import type { Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { BodySink } from './body-framing.ts'
import { BodyFraming } from './body-framing.ts'
import type { ClientLimits } from './limits.ts'
import type { Refusal, RequestHead } from './request-head.ts'
import { RequestReader } from './request-reader.ts'
import type { TunnelEnd } from './splice.ts'
import type { Sweeper, Swept } from './sweeper.ts'
import type { TransportOwner } from './transport.ts'
import { Transport } from './transport.ts'

/** Takes the requests of one connection, one at a time. */
export interface RequestHandler extends BodySink {
  /** `connection.head` is valid until the exchange is finished. */
  onRequest(): void
  /** All that has arrived so far was handed over: the moment to act on it. */
  onBatch(): void
  /** Malformed, or broken off by a limit. Answer it if nothing was answered yet; the connection ends afterwards. */
  onRefused(refusal: Refusal): void
  /** The client can take more of the answer. */
  onWritable(): void
  /** The client went away in mid-exchange. */
  onGone(): void
}

type State = 'head' | 'body' | 'answering' | 'tunnel' | 'lingering' | 'closed'

/** How long a closed connection is still read, so that what was written last is not lost to a reset (RFC 9112 §9.6). */
const LINGER = 2_000
/** A client that has sent FIN may have left or may only have finished sending; after this long it is asked. */
const ASK_AFTER_FIN = 100
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

export class ClientConnection implements TransportOwner, Swept {
  readonly head: RequestHead
  readonly transport: Transport
  private readonly handler: RequestHandler
  private readonly limits: ClientLimits
  private readonly sweeper: Sweeper
  private readonly onEnd: (connection: ClientConnection) => void
  private readonly onlyOne: boolean
  private readonly requests: RequestReader
  private readonly framing = new BodyFraming()
  private tunnel: TunnelEnd | null = null
  private state: State = 'head'
  private parsing = false
  /** Pipelined bytes behind the current request. */
  private backlog: Buffer | null = null
  private answerBegun = false
  private bodyPaused = false
  private closing = false
  private readEnded = false
  private deadline: Millis
  private stalledSince: Millis | null = null
  private bodyBytes = 0
  private bodyBegun = false
  private asked = 0

  constructor(
    accepted: net.Socket,
    setup: Readonly<{
      handler: (connection: ClientConnection) => RequestHandler
      limits: ClientLimits
      sweeper: Sweeper
      /** Serves a single request. */
      onlyOne?: boolean
      onEnd: (connection: ClientConnection) => void
    }>,
  ) {
    this.limits = setup.limits
    this.sweeper = setup.sweeper
    this.onEnd = setup.onEnd
    this.onlyOne = setup.onlyOne ?? false
    this.requests = new RequestReader(setup.limits)
    this.head = this.requests.head
    this.handler = setup.handler(this)
    this.deadline = this.inMs(setup.limits.idleTimeout)
    this.transport = Transport.accept(this, accepted)
    this.sweeper.add(this)
  }

  get idle(): boolean {
    return this.state === 'head' && this.requests.empty
  }

  /** The request body has been read to its end. */
  get bodyDone(): boolean {
    return this.framing.done
  }

  /** Close after the current answer; at once when there is none. */
  closeWhenDone(): void {
    this.closing = true
    if (this.idle) this.linger()
  }

  kill(): void {
    this.transport.destroy()
  }

  /** This answer is the connection's last: its head has to say so. */
  get willClose(): boolean {
    return this.closing || !this.head.keepAlive || !this.framing.done || (this.readEnded && this.backlog === null)
  }

  // ---- answering -------------------------------------------------------------------------------------------------

  /** An interim answer (1xx): the final one is still to come. */
  interim(text: string): void {
    if (this.state === 'body' || this.state === 'answering') this.transport.writeText(text)
  }

  /** The head of the final answer, with as much of its body as fits in one write. */
  answer(text: string): boolean {
    this.answerBegun = true
    return this.watchStall(this.transport.writeText(text))
  }

  answerFrom(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    return this.watchStall(this.transport.writeFrom(source, bytes, from, to))
  }

  /** The answer is complete. `keepAlive` as promised in its head. */
  finish(keepAlive: boolean): void {
    if (this.state !== 'body' && this.state !== 'answering') return
    this.transport.endStream()
    // An unread rest of the request body would be taken for the next request.
    if (!keepAlive || this.closing || !this.framing.done) return this.linger()
    this.state = 'head'
    this.requests.clear()
    this.answerBegun = false
    this.stalledSince = null
    this.deadline = this.inMs(this.limits.idleTimeout)
    // Within `parse`, what follows is in its hands already.
    if (this.parsing) return
    this.parseBacklog()
    if (this.readEnded) this.endOfRequests()
  }

  /** Breaks the answer off so that the client sees that it is not whole. */
  truncate(): void {
    this.transport.reset()
  }

  pauseBody(): void {
    if (this.bodyPaused) return
    this.bodyPaused = true
    this.transport.pause()
  }

  resumeBody(): void {
    if (!this.bodyPaused) return
    this.bodyPaused = false
    this.bodyBytes = this.limits.bodyRate * this.limits.bodyRateEvery
    this.transport.resume()
  }

  /** From here on the connection carries bytes, not messages. Returns those that came behind the request. */
  startTunnel(end: TunnelEnd): Buffer | null {
    this.state = 'tunnel'
    this.tunnel = end
    this.deadline = NEVER
    this.stalledSince = null
    const early = this.backlog
    this.backlog = null
    this.transport.startStream()
    return early
  }

  // ---- reading ---------------------------------------------------------------------------------------------------

  onConnected(): void {}

  onBytes(bytes: Buffer, length: number): void {
    if (this.state === 'tunnel') this.tunnel?.onTunnelBytes(bytes, length)
    else if (this.state !== 'lingering' && this.state !== 'closed') this.parse(bytes, 0, length)
  }

  private parse(bytes: Buffer, from: number, to: number): void {
    this.parsing = true
    let at = from
    while (at < to) {
      if (this.state === 'head') at = this.readHead(bytes, at, to)
      else if (this.state === 'body') at = this.readBody(bytes, at, to)
      else if (this.state === 'answering') {
        this.keepBacklog(bytes, at, to)
        break
      } else break
    }
    this.parsing = false
  }

  private readHead(bytes: Buffer, from: number, to: number): number {
    const first = this.requests.empty
    const read = this.requests.read(bytes, from, to)
    if (read.state === 'complete') {
      this.begin(read.next < to)
      return read.next
    }
    if (read.state === 'refused') this.refuse(read.refusal)
    else if (first && !this.requests.empty) this.deadline = this.inMs(this.limits.headTimeout)
    return to
  }

  private begin(more: boolean): void {
    this.framing.start(this.head.body, this.head.length)
    this.state = 'body'
    if (this.onlyOne) this.closing = true
    this.bodyBytes = 0
    this.bodyBegun = false
    this.deadline = this.inMs(this.limits.bodyRateEvery)
    this.handler.onRequest()
    if (this.framing.done) this.endBody()
    else this.transport.startStream()
    if (this.framing.done || !more) this.handler.onBatch()
  }

  private readBody(bytes: Buffer, from: number, to: number): number {
    const at = this.framing.read(bytes, from, to, this.handler)
    this.bodyBytes += at - from
    this.bodyBegun = true
    if (this.framing.problem !== null) {
      this.refuse(this.framing.problem)
      return to
    }
    if (this.state !== 'body') return at
    if (this.framing.done) this.endBody()
    this.handler.onBatch()
    return at
  }

  private endBody(): void {
    this.state = 'answering'
    this.deadline = this.readEnded ? this.inMs(ASK_AFTER_FIN) : NEVER
    this.asked = 0
    this.transport.endStream()
    // Its last piece may have had it paused. There is nothing left to hold back, but the client's leaving to notice.
    this.resumeBody()
  }

  private refuse(refusal: Refusal): void {
    this.closing = true
    // Nothing that follows can be understood: it is read and thrown away.
    this.state = 'answering'
    this.deadline = NEVER
    this.handler.onRefused(refusal)
  }

  private keepBacklog(bytes: Buffer, from: number, to: number): void {
    // No other request is served, but bytes behind an upgrade are the tunnel's.
    if (this.closing && this.head.upgrade === '') return
    const rest = Buffer.from(bytes.subarray(from, to))
    this.backlog = this.backlog ? Buffer.concat([this.backlog, rest]) : rest
    if (this.backlog.length >= this.limits.headBytes) this.transport.pause()
  }

  private parseBacklog(): void {
    while (this.backlog && this.state === 'head') {
      const bytes = this.backlog
      this.backlog = null
      this.transport.resume()
      this.parse(bytes, 0, bytes.length)
    }
  }

  onReadEnd(): void {
    this.readEnded = true
    switch (this.state) {
      case 'tunnel':
        this.tunnel?.onTunnelEnd()
        return
      case 'head':
      case 'body':
        this.endOfRequests()
        return
      case 'answering':
        this.asked = 0
        if (!this.answerBegun) this.deadline = this.inMs(ASK_AFTER_FIN)
        return
      default:
        // Lingering: the socket closes by itself once what is pending has been taken.
        return
    }
  }

  /** No more will come. A request that was begun is cut short for good. */
  private endOfRequests(): void {
    if (this.idle) this.linger()
    else if (this.state === 'head' || this.state === 'body')
      this.refuse({ status: 400, reason: 'the request was cut off' })
  }

  onWritable(): void {
    this.stalledSince = null
    if (this.state === 'tunnel') this.tunnel?.onTunnelWritable()
    else if (this.state === 'body' || this.state === 'answering') this.handler.onWritable()
  }

  onClosed(): void {
    const { state } = this
    this.state = 'closed'
    this.sweeper.remove(this)
    if (state === 'tunnel') this.tunnel?.onTunnelClosed()
    else if (state === 'body' || state === 'answering') this.handler.onGone()
    this.onEnd(this)
  }

  // ---- deadlines -------------------------------------------------------------------------------------------------

  sweep(now: Millis): void {
    if (this.stalledSince !== null && now - this.stalledSince > this.limits.writeStall) return this.transport.reset()
    if (now < this.deadline) return
    switch (this.state) {
      case 'head':
        if (this.requests.empty) this.linger()
        else this.refuse({ status: 408, reason: `no complete head within ${this.limits.headTimeout} ms` })
        return
      case 'body':
        this.checkBodyRate()
        return
      case 'answering':
        this.askWhetherGone()
        return
      case 'lingering':
        // Still taking its last answer: the limit on stalls ends that, not this one.
        if (this.transport.pending === 0) this.transport.destroy()
        return
      default:
        this.deadline = NEVER
    }
  }

  private checkBodyRate(): void {
    const { bodyRate, bodyRateEvery } = this.limits
    this.deadline = this.inMs(bodyRateEvery)
    // Until it is told to continue, a client that asked may rightly send nothing.
    const asked = this.head.expectsContinue && !this.bodyBegun
    const enough = asked || this.bodyPaused || this.bodyBytes * 1000 >= bodyRate * bodyRateEvery
    this.bodyBytes = 0
    if (!enough) this.refuse({ status: 408, reason: `request body slower than ${bodyRate} bytes a second` })
  }

  /**
   * FIN says only that the client sends no more: it may be gone, or waiting for its answer. An interim answer, which any
   * client must accept (RFC 9110 §15.2), draws a reset from one that is gone. Behind the end of the stream nobody reads
   * any more, so the reset shows when something is written again: it is asked twice.
   */
  private askWhetherGone(): void {
    this.deadline = NEVER
    if (!this.readEnded || this.answerBegun || this.head.minor === 0) return
    this.transport.writeText(CONTINUE)
    if (++this.asked < 2) this.deadline = this.inMs(ASK_AFTER_FIN)
  }

  private linger(): void {
    if (this.state === 'closed' || this.state === 'lingering') return
    this.state = 'lingering'
    this.deadline = this.inMs(LINGER)
    this.stalledSince = this.transport.pending > 0 ? this.sweeper.clock.now() : null
    this.transport.end()
    this.transport.resume()
  }

  private watchStall(taken: boolean): boolean {
    if (!taken) this.stalledSince ??= this.sweeper.clock.now()
    return taken
  }

  private inMs(delay: number): Millis {
    return ms(this.sweeper.clock.now() + delay)
  }
}

const NEVER = ms(Number.POSITIVE_INFINITY)
