/** The express lane: an exchange that came in over an HTTP/1.1 connection of ours, answered on the same. */
import type { ClientConnection } from '../wire/client-connection.ts'
import type { Refusal, RequestHead } from '../wire/request-head.ts'
import type { RequestHandler } from '../wire/request-intake.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import { Splice } from '../wire/splice.ts'
import type { Transport } from '../wire/transport.ts'
import type { UpstreamChannel } from '../wire/upstream-channel.ts'
import { WebSocketFrames } from '../wire/websocket-frames.ts'
import type { ErrorReply } from './error-response.ts'
import { errorText, refusalReply } from './error-response.ts'
import type { ClientInfo, Exchange } from './exchange.ts'
import { Forwarding } from './forwarding.ts'
import { responseText, switchingText } from './header-rules.ts'
import type { HttpPool } from './http-pool.ts'

export class WireExchange implements Exchange, RequestHandler {
  readonly client: ClientInfo
  private readonly connection: ClientConnection
  private readonly pool: HttpPool
  private readonly forwarding: Forwarding
  /** The request on the connection was understood and is being served. */
  private serving = false
  /** The answer has no length of its own and is sent in chunks. */
  private chunking = false
  private keepAlive = true

  constructor(connection: ClientConnection, client: ClientInfo, pool: HttpPool) {
    this.connection = connection
    this.client = client
    this.pool = pool
    this.forwarding = new Forwarding(this, pool)
  }

  get head(): RequestHead {
    return this.connection.head
  }

  get bodyDone(): boolean {
    return this.connection.bodyDone
  }

  get bareBody(): boolean {
    return this.connection.head.minor === 0
  }

  // ---- from the connection ---------------------------------------------------------------------------------------

  onRequest(): void {
    this.serving = true
    this.forwarding.requestBegun()
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    this.forwarding.requestBytes(this.connection.transport, bytes, from, to)
  }

  onBatch(): void {
    this.forwarding.requestBatch()
  }

  onRefused(refusal: Refusal): void {
    const reply = refusalReply(refusal)
    if (this.serving) this.forwarding.requestRefused(reply)
    else this.answerError(reply)
  }

  onWritable(): void {
    this.forwarding.clientWritable()
  }

  onGone(): void {
    if (this.serving) this.forwarding.clientGone()
  }

  // ---- from the forwarding ---------------------------------------------------------------------------------------

  pauseBody(): void {
    this.connection.pauseBody()
  }

  resumeBody(): void {
    this.connection.resumeBody()
  }

  interim(response: ResponseHead): void {
    if (this.bareBody) return
    this.connection.interim(responseText(response, { chunked: false, connection: '', requestId: '' }))
  }

  answer(response: ResponseHead, body: string): boolean {
    const { bareBody } = this
    this.chunking = response.body === 'close' && !bareBody
    const endless = bareBody && (response.body === 'close' || response.body === 'chunked')
    this.keepAlive = !endless && !this.connection.willClose
    const text = responseText(response, {
      chunked: this.chunking || (response.body === 'chunked' && !bareBody),
      connection: this.keepAlive ? (bareBody ? 'keep-alive' : '') : 'close',
      requestId: this.forwarding.requestId,
    })
    if (!this.chunking || body === '') return this.connection.answer(text + body)
    return this.connection.answer(`${text}${body.length.toString(16)}\r\n${body}\r\n`)
  }

  answerBytes(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    if (!this.chunking) return this.connection.answerFrom(source, bytes, from, to)
    this.connection.answer(`${(to - from).toString(16)}\r\n`)
    this.connection.answerFrom(source, bytes, from, to)
    return this.connection.answer('\r\n')
  }

  answerEnd(): void {
    if (this.chunking) this.connection.answer('0\r\n\r\n')
    this.end()
  }

  answerError(reply: ErrorReply): void {
    this.keepAlive = !reply.close && !this.connection.willClose
    const { head, serving } = this
    const context = {
      head: serving ? head : null,
      headOnly: head.method === 'HEAD',
      requestId: serving ? this.forwarding.requestId : '',
    }
    this.connection.answer(errorText(reply, context, !this.keepAlive))
    this.end()
  }

  truncate(): void {
    this.serving = false
    this.connection.truncate()
  }

  openTunnel(response: ResponseHead, upstream: UpstreamChannel, idleFor: number, onEnd: () => void): Splice | null {
    const { transport } = upstream
    if (!transport) return null
    this.serving = false
    this.connection.answer(switchingText(response, this.head.upgrade))
    const { sweeper } = this.pool
    const words = this.head.upgrade === 'websocket' ? { words: new WebSocketFrames() } : {}
    const tunnel = new Splice(this.connection.transport, transport, { idleFor, sweeper, onEnd, ...words })
    upstream.startTunnel(tunnel.right)
    const early = this.connection.startTunnel(tunnel.left)
    if (early) transport.writeKept(early)
    return tunnel
  }

  private end(): void {
    this.serving = false
    this.connection.finish(this.keepAlive)
  }
}
