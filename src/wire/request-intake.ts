/**
 * The requests of one client connection, read one after the other: what is pipelined behind the current one is kept until
 * that is answered. Writes nothing.
 */
import type { BodySink } from './body-framing.ts'
import { BodyFraming } from './body-framing.ts'
import type { ClientDeadlines } from './client-deadlines.ts'
import type { HeadLimits } from './limits.ts'
import type { Refusal, RequestHead } from './request-head.ts'
import { RequestReader } from './request-reader.ts'
import type { Transport } from './transport.ts'

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

/** The connection. */
export interface IntakeOwner {
  readonly handler: RequestHandler
  readonly transport: Transport
  readonly deadlines: ClientDeadlines
  /** No request is served after the current one. */
  readonly closing: boolean
  /** A head is complete; the handler hears of it next. */
  onHead(): void
  /** The body has been read to its end, or there is none. */
  onBodyEnd(): void
  /** Nothing that follows can be understood. */
  onRefusal(refusal: Refusal): void
}

/** `off`: nothing that comes is a request any more. */
type Phase = 'head' | 'body' | 'answering' | 'off'

export class RequestIntake {
  readonly head: RequestHead
  private readonly owner: IntakeOwner
  private readonly limits: HeadLimits
  private readonly requests: RequestReader
  private readonly framing = new BodyFraming()
  private current: Phase = 'head'
  private parsing = false
  /** Pipelined bytes behind the current request. */
  private backlog: Buffer | null = null

  constructor(owner: IntakeOwner, limits: HeadLimits) {
    this.owner = owner
    this.limits = limits
    this.requests = new RequestReader(limits)
    this.head = this.requests.head
  }

  get phase(): Phase {
    return this.current
  }

  /** A request has come and is not answered to its end. */
  get exchanging(): boolean {
    return this.current === 'body' || this.current === 'answering'
  }

  /** No byte of a next request has come. */
  get idle(): boolean {
    return this.current === 'head' && this.requests.empty
  }

  get bodyDone(): boolean {
    return this.framing.done
  }

  get pipelined(): boolean {
    return this.backlog !== null
  }

  /** Bytes are being read at this moment: what follows is in hand already. */
  get reading(): boolean {
    return this.parsing
  }

  read(bytes: Buffer, from: number, to: number): void {
    this.parsing = true
    let at = from
    while (at < to) {
      if (this.current === 'head') at = this.readHead(bytes, at, to)
      else if (this.current === 'body') at = this.readBody(bytes, at, to)
      else {
        if (this.current === 'answering') this.keepBacklog(bytes, at, to)
        break
      }
    }
    this.parsing = false
    // Only now: most bodies come whole, with their heads.
    if (this.current === 'body') this.owner.transport.startStream()
  }

  /** The current request is answered. */
  next(): void {
    this.current = 'head'
    this.requests.clear()
  }

  readBacklog(): void {
    while (this.backlog && this.current === 'head') {
      const bytes = this.backlog
      this.backlog = null
      this.owner.transport.resume()
      this.read(bytes, 0, bytes.length)
    }
  }

  /** Returns what came behind the current request. */
  stop(): Buffer | null {
    this.current = 'off'
    const rest = this.backlog
    this.backlog = null
    return rest
  }

  /** What follows is read and thrown away. */
  refuse(refusal: Refusal): void {
    this.current = 'answering'
    this.owner.onRefusal(refusal)
  }

  private readHead(bytes: Buffer, from: number, to: number): number {
    const first = this.requests.empty
    const read = this.requests.read(bytes, from, to)
    if (read.state === 'complete') {
      this.begin(read.next < to)
      return read.next
    }
    if (read.state === 'refused') this.refuse(read.refusal)
    else if (first && !this.requests.empty) this.owner.deadlines.headBegun()
    return to
  }

  private begin(more: boolean): void {
    const { owner, framing } = this
    framing.start(this.head.body, this.head.length)
    this.current = 'body'
    owner.onHead()
    owner.handler.onRequest()
    if (framing.done) this.endBody()
    if (framing.done || !more) owner.handler.onBatch()
  }

  private readBody(bytes: Buffer, from: number, to: number): number {
    const { owner, framing } = this
    const at = framing.read(bytes, from, to, owner.handler)
    owner.deadlines.bodyRead(at - from)
    if (framing.problem !== null) {
      this.refuse(framing.problem)
      return to
    }
    if (this.current !== 'body') return at
    if (framing.done) this.endBody()
    owner.handler.onBatch()
    return at
  }

  private endBody(): void {
    this.current = 'answering'
    this.owner.onBodyEnd()
  }

  private keepBacklog(bytes: Buffer, from: number, to: number): void {
    const { owner, backlog } = this
    // No other request is served, but bytes behind an upgrade are the tunnel's.
    if (owner.closing && this.head.upgrade === '') return
    const rest = Buffer.from(bytes.subarray(from, to))
    this.backlog = backlog ? Buffer.concat([backlog, rest]) : rest
    if (this.backlog.length >= this.limits.headBytes) owner.transport.pause()
  }
}
