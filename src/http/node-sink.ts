/** Answers through a response of Node's own HTTP/1.1 server, and bounds how long its client may take. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Millis } from '../core/time.ts'
import type { ClientLimits } from '../wire/limits.ts'
import { NOWHERE } from '../wire/roster.ts'
import type { Sweeper, Swept } from '../wire/sweeper.ts'
import { breakOff } from '../wire/transport.ts'
import type { AnswerSink, FieldList } from './answer-sink.ts'
import { closeGently } from './gentle-close.ts'
import { withHookFields } from './hook-fields.ts'
import type { MessageExchange } from './message-exchange.ts'
import { bodyFollows, nodeTrailers } from './node-request.ts'

/** Of the server that the request came by. */
export type ServerState = Readonly<{
  limits: ClientLimits
  /** It is to be closed: no connection outlives its answer, and no answer this time. Null otherwise. */
  endsBy: Millis | null
}>

export type NodeSinkSetup = Readonly<{
  server: ServerState
  sweeper: Sweeper
  /** Fields that hooks have set. */
  added: FieldList
  /** The client waits to be told to continue, and nobody has told it. */
  asksFirst: boolean
}>

/** `response.writeInformation` came with Node 26. */
type Informing = Readonly<{ writeInformation?: (status: number, headers: Record<string, string[]>) => void }>

const NOTHING = Buffer.alloc(0)

export class NodeSink implements AnswerSink, Swept {
  sweptAt = NOWHERE
  private readonly request: IncomingMessage
  private readonly response: ServerResponse
  private readonly setup: NodeSinkSetup
  private exchange: MessageExchange | null = null
  /** What comes at once is a refusal of what was read, and the connection is not to be trusted any more. */
  private judging = true
  private paused = false
  private rateSince: Millis
  private bodyBytes = 0
  /** Since when the client has taken nothing of what was written. */
  private stalledSince: Millis | null = null

  constructor(request: IncomingMessage, response: ServerResponse, setup: NodeSinkSetup) {
    this.request = request
    this.response = response
    this.setup = setup
    this.rateSince = this.now()
  }

  start(exchange: MessageExchange, headText: string): void {
    const { request, response } = this
    const follows = bodyFollows(request)
    this.exchange = exchange
    this.setup.sweeper.add(this)
    response.on('drain', () => {
      this.stalledSince = null
      exchange.writable()
    })
    response.on('close', () => this.leave())
    // What broke shows as `close`; unheard, it would end the process.
    request.on('error', () => {})
    response.on('error', () => {})
    exchange.begin(headText, follows)
    this.judging = false
    request.on('data', (bytes: Buffer) => {
      this.bodyBytes += bytes.length
      this.judging = true
      exchange.body(bytes)
      this.judging = false
    })
    request.on('end', () => {
      if (follows) this.endBody(exchange)
    })
  }

  private endBody(exchange: MessageExchange): void {
    const trailers = nodeTrailers(this.request)
    this.judging = true
    if (typeof trailers === 'string') exchange.bodyEnd(trailers)
    else exchange.refuse(trailers)
    this.judging = false
  }

  private leave(): void {
    this.setup.sweeper.remove(this)
    this.exchange?.gone()
  }

  private now(): Millis {
    return this.setup.sweeper.clock.now()
  }

  // ---- deadlines -------------------------------------------------------------------------------------------------

  sweep(now: Millis): void {
    const { request, exchange } = this
    const { limits, endsBy } = this.setup.server
    const { bodyRateEvery, writeStall } = limits
    // A response that waits for its turn on the connection may not hear of the connection's end.
    if (request.socket.destroyed) return this.leave()
    const stalls = this.stalledSince !== null && now - this.stalledSince > writeStall
    if (stalls || (endsBy !== null && now > endsBy)) return this.truncate()
    if (!exchange?.awaitsBody || this.paused) this.startRate(now)
    else if (now - this.rateSince > bodyRateEvery) this.checkRate(exchange, now)
  }

  private checkRate(exchange: MessageExchange, now: Millis): void {
    const { bodyRate, bodyRateEvery } = this.setup.server.limits
    const enough = this.bodyBytes * 1000 >= bodyRate * bodyRateEvery
    this.startRate(now)
    if (!enough) exchange.refuse({ status: 408, reason: `request body slower than ${bodyRate} bytes a second` })
  }

  private startRate(now: Millis): void {
    this.rateSince = now
    this.bodyBytes = 0
  }

  // ---- from the exchange -----------------------------------------------------------------------------------------

  pauseBody(): void {
    this.paused = true
    this.request.pause()
  }

  resumeBody(): void {
    this.paused = false
    this.request.resume()
  }

  interim(status: number, fields: FieldList): void {
    const { response, request, setup } = this
    if (!this.usable || response.headersSent || request.httpVersionMinor === 0) return
    if (status === 100) {
      if (setup.asksFirst) response.writeContinue()
    } else (response as Informing).writeInformation?.(status, grouped(fields))
  }

  head(status: number, reason: string, fields: FieldList, endsHere: boolean): void {
    const { response, setup } = this
    if (!this.usable || response.headersSent) return
    this.endConnection()
    for (const name of response.getHeaderNames()) if (name !== 'connection') response.removeHeader(name)
    for (const [name, value] of this.sendable(status, withHookFields(fields, setup.added))) {
      response.appendHeader(name, value)
    }
    response.sendDate = false
    response.statusMessage = reason
    response.statusCode = status
    if (endsHere) return this.end([])
    // With the first of the body if that follows at once, in one write. `flushHeaders` would encode it as UTF-8.
    queueMicrotask(() => {
      if (this.usable && !response.headersSent) response.write(NOTHING)
    })
  }

  private sendable(status: number, fields: FieldList): FieldList {
    const { method, httpVersionMinor } = this.request
    const lengths = fields.filter(([name]) => name.toLowerCase() === 'content-length')
    const chunked = lengths.length === 0 && httpVersionMinor === 1 && method !== 'HEAD' && ![204, 304].includes(status)
    const others = fields.filter(([name]) => {
      const lower = name.toLowerCase()
      // Node throws where no trailers can follow.
      return lower !== 'content-length' && (chunked || lower !== 'trailer')
    })
    // Behind a length, Node encodes Content-Disposition in another way.
    return [...others, ...lengths]
  }

  /** An unread rest of the body would be taken for the next request. */
  private endConnection(): void {
    const { request, response, setup, socket } = this
    const whole = request.complete || !bodyFollows(request)
    if (!this.judging && whole && setup.server.endsBy === null) return
    response.shouldKeepAlive = false
    if (socket) closeGently(socket, setup.sweeper.clock)
  }

  write(bytes: Buffer): boolean {
    if (!this.usable) return true
    const taken = this.response.write(bytes)
    if (!taken) this.stalledSince ??= this.now()
    return taken
  }

  end(trailers: FieldList): void {
    const { response, setup } = this
    if (!this.usable) return
    if (trailers.length > 0) response.addTrailers(joined(trailers))
    this.stalledSince ??= this.now()
    // What was announced as lasting ends all the same when the server does.
    response.once('finish', () => {
      if (setup.server.endsBy !== null) this.socket?.destroySoon()
    })
    response.end()
    // The rest of the body is thrown away: unread, it would keep the connection from ever closing.
    this.resumeBody()
  }

  truncate(): void {
    const { response } = this
    if (response.socket) breakOff(response.socket)
    else response.once('socket', breakOff)
  }

  /** Null for a request that was injected without a connection. */
  private get socket(): Socket | null {
    return this.request.socket instanceof Socket ? this.request.socket : null
  }

  private get usable(): boolean {
    return !this.response.writableEnded && !this.response.destroyed
  }
}

/** RFC 9110 §5.3: lines of the same name are one list. Node takes one value for each. */
function joined(fields: FieldList): Record<string, string> {
  return Object.fromEntries(Object.entries(grouped(fields)).map(([name, values]) => [name, values.join(', ')]))
}

function grouped(fields: FieldList): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null)
  for (const [name, value] of fields) {
    const values = headers[name.toLowerCase()]
    if (values) values.push(value)
    else headers[name.toLowerCase()] = [value]
  }
  return headers
}
