/**
 * An exchange whose front frames messages itself (HTTP/2, Node's own server): what comes in becomes the HTTP/1.1 message
 * that every request is inside, and the same strict readers judge it; what goes out is plain data for a sink. Used once.
 */
import type { BodySink } from '../wire/body-framing.ts'
import { BodyFraming } from '../wire/body-framing.ts'
import { Fields } from '../wire/fields.ts'
import type { HeadLimits } from '../wire/limits.ts'
import type { Refusal } from '../wire/request-head.ts'
import { RequestHead } from '../wire/request-head.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { Transport } from '../wire/transport.ts'
import type { AnswerSink, FieldList } from './answer-sink.ts'
import type { ErrorReply } from './error-response.ts'
import { errorAnswer, refusalReply } from './error-response.ts'
import type { ClientInfo, Exchange } from './exchange.ts'
import { Forwarding } from './forwarding.ts'
import { responseFields } from './header-rules.ts'
import type { HttpPool } from './http-pool.ts'

/** `answering`: its answer has begun. */
type State = 'new' | 'serving' | 'answering' | 'over'
type AnswerHead = Readonly<{ status: number; reason: string; fields: FieldList }>

const MAX_TRAILERS = 32
const NO_FIELDS: FieldList = []

export class MessageExchange implements Exchange, BodySink {
  readonly head = new RequestHead()
  readonly client: ClientInfo
  readonly bareBody = true
  private readonly sink: AnswerSink
  private readonly limits: HeadLimits
  private readonly forwarding: Forwarding
  private readonly framing = new BodyFraming()
  private state: State = 'new'
  private bodyBegun = false
  private bodyTold = false
  /** Of an answer that may turn out to have no body at all: a head that ends it says so. */
  private heldHead: AnswerHead | null = null

  constructor(setup: Readonly<{ sink: AnswerSink; client: ClientInfo; pool: HttpPool; limits: HeadLimits }>) {
    this.sink = setup.sink
    this.client = setup.client
    this.limits = setup.limits
    this.forwarding = new Forwarding(this, setup.pool)
  }

  get bodyDone(): boolean {
    return this.framing.done
  }

  /** It is the client's turn to send more of its request. Until it is told to continue, one that asked need not. */
  get awaitsBody(): boolean {
    return this.state === 'serving' && !this.framing.done && (this.bodyBegun || !this.head.expectsContinue)
  }

  // ---- from the front --------------------------------------------------------------------------------------------

  /** `headText`: as HTTP/1.1, up to and including the empty line. */
  begin(headText: string, bodyFollows: boolean): void {
    const { head } = this
    const refusal = head.parse(headText, this.limits) ?? this.checkBody(bodyFollows)
    if (refusal) return this.refuse(refusal)
    // A message cannot become a tunnel, so no upstream is asked for one.
    head.upgrade = ''
    this.framing.start(head.body, head.length)
    this.bodyTold = this.framing.done
    this.state = 'serving'
    this.forwarding.requestBegun()
    this.forwarding.requestBatch()
  }

  private checkBody(follows: boolean): Refusal | null {
    return follows || this.head.body === 'none' ? null : { status: 400, reason: 'the announced body is missing' }
  }

  /** Content without framing. The bytes stay as they are. */
  body(bytes: Buffer): void {
    if (bytes.length === 0 || !this.open) return
    this.bodyBegun = true
    const framed = this.head.body === 'chunked' ? inChunk(bytes) : bytes
    if (this.feed(framed) < framed.length) this.refuse({ status: 400, reason: 'more body than announced' })
    this.tellBody()
  }

  /** `trailers`: as HTTP/1.1 field lines. */
  bodyEnd(trailers: string): void {
    if (!this.open) return
    if (this.head.body === 'chunked') this.feed(Buffer.from(`0\r\n${trailers}\r\n`, 'latin1'))
    if (!this.framing.done) this.refuse({ status: 400, reason: 'less body than announced' })
    this.tellBody()
  }

  /** The request is malformed or too slow. */
  refuse(refusal: Refusal): void {
    const reply = refusalReply(refusal)
    if (this.state === 'new') this.answerError(reply)
    else if (this.open) this.forwarding.requestRefused(reply)
  }

  writable(): void {
    if (this.state !== 'over') this.forwarding.clientWritable()
  }

  /** The client went away, or took its request back. */
  gone(): void {
    const { open } = this
    this.state = 'over'
    if (open) this.forwarding.clientGone()
  }

  private get open(): boolean {
    return this.state === 'serving' || this.state === 'answering'
  }

  private feed(framed: Buffer): number {
    const read = this.framing.read(framed, 0, framed.length, this)
    const { problem } = this.framing
    if (problem === null) return read
    this.refuse(problem)
    return framed.length
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    this.forwarding.requestBytes(null, bytes, from, to)
  }

  private tellBody(): void {
    if (this.bodyTold || !this.open || !this.framing.done) return
    this.bodyTold = true
    this.forwarding.requestBatch()
  }

  // ---- from the forwarding ---------------------------------------------------------------------------------------

  pauseBody(): void {
    this.sink.pauseBody()
  }

  resumeBody(): void {
    this.sink.resumeBody()
  }

  interim(response: ResponseHead): void {
    this.sink.interim(response.status, responseFields(response, ''))
  }

  answer(response: ResponseHead, body: string): boolean {
    this.state = 'answering'
    const { status, statusText } = response
    const fields = responseFields(response, this.forwarding.requestId)
    this.heldHead = { status, reason: statusText.slice(4), fields }
    if (body !== '') return this.write(Buffer.from(body, 'latin1'))
    // Its end may follow at once, and then the head says that too: gRPC tells errors by it.
    if (response.body === 'none') this.sendHead(true)
    else queueMicrotask(() => this.sendHead(false))
    return true
  }

  answerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    const part = bytes.subarray(from, to)
    return this.write(source === null ? part : Buffer.from(part))
  }

  answerEnd(trailers: string): void {
    const empty = this.heldHead !== null && trailers === ''
    const bodiless = this.state === 'over'
    this.sendHead(empty)
    this.state = 'over'
    if (!empty && !bodiless) this.sink.end(fieldList(trailers))
  }

  answerError(reply: ErrorReply): void {
    const { head, state } = this
    const understood = state === 'serving'
    const { status, phrase, fields, body } = errorAnswer(reply, {
      head: understood ? head : null,
      headOnly: head.method === 'HEAD',
      requestId: understood ? this.forwarding.requestId : '',
    })
    this.state = 'over'
    this.sink.head(status, phrase, fields, body === '')
    if (body === '') return
    this.sink.write(Buffer.from(body, 'latin1'))
    this.sink.end(NO_FIELDS)
  }

  truncate(): void {
    this.state = 'over'
    this.sink.truncate()
  }

  openTunnel(): null {
    return null
  }

  private write(bytes: Buffer): boolean {
    this.sendHead(false)
    return this.sink.write(bytes)
  }

  /** `endsHere`: nothing will follow it. */
  private sendHead(endsHere: boolean): void {
    const { heldHead } = this
    if (!heldHead) return
    this.heldHead = null
    if (this.state === 'over') return
    if (endsHere) this.state = 'over'
    this.sink.head(heldHead.status, heldHead.reason, heldHead.fields, endsHere)
  }
}

/** RFC 9112 §7.1: one chunk. */
function inChunk(bytes: Buffer): Buffer {
  const size = bytes.length.toString(16)
  const chunk = Buffer.allocUnsafe(size.length + bytes.length + 4)
  chunk.write(`${size}\r\n`, 0, 'latin1')
  bytes.copy(chunk, size.length + 2)
  chunk.write('\r\n', chunk.length - 2, 'latin1')
  return chunk
}

function fieldList(lines: string): FieldList {
  if (lines === '') return NO_FIELDS
  const fields = new Fields()
  // They were judged when they were read; should they not be lines after all, none of them is passed on.
  if (fields.scan(`${lines}\r\n`, 0, MAX_TRAILERS) !== null) return NO_FIELDS
  return Array.from({ length: fields.count }, (_, index) => [fields.name(index), fields.value(index)])
}
