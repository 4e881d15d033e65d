/**
 * The server's side of one client connection (RFC 9112): its life, and the answers to the requests that its intake hands
 * to the handler. Knows nothing of upstreams.
 */
import type net from 'node:net'
import type { Millis } from '../core/time.ts'
import { ClientDeadlines } from './client-deadlines.ts'
import type { ClientLimits } from './limits.ts'
import type { Refusal, RequestHead } from './request-head.ts'
import type { IntakeOwner, RequestHandler } from './request-intake.ts'
import { RequestIntake } from './request-intake.ts'
import { NOWHERE } from './roster.ts'
import type { TunnelEnd } from './splice.ts'
import type { Sweeper, Swept } from './sweeper.ts'
import type { TransportOwner } from './transport.ts'
import { Transport } from './transport.ts'

type State = 'open' | 'tunnel' | 'lingering' | 'closed'

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

export class ClientConnection implements TransportOwner, IntakeOwner, Swept {
  sweptAt = NOWHERE
  servedAt = NOWHERE
  readonly head: RequestHead
  readonly transport: Transport
  readonly handler: RequestHandler
  readonly deadlines: ClientDeadlines
  /** No request is served after the current one. */
  closing = false
  private readonly sweeper: Sweeper
  private readonly onEnd: (connection: ClientConnection) => void
  private readonly onlyOne: boolean
  private readonly intake: RequestIntake
  private tunnel: TunnelEnd | null = null
  private state: State = 'open'
  private answerBegun = false
  private bodyPaused = false
  private readEnded = false

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
    this.sweeper = setup.sweeper
    this.onEnd = setup.onEnd
    this.onlyOne = setup.onlyOne ?? false
    this.intake = new RequestIntake(this, setup.limits)
    this.head = this.intake.head
    this.handler = setup.handler(this)
    this.deadlines = new ClientDeadlines(setup.sweeper.clock, setup.limits)
    this.transport = Transport.accept(this, accepted)
    this.sweeper.add(this)
  }

  get idle(): boolean {
    return this.intake.idle
  }

  /** The request body has been read to its end. */
  get bodyDone(): boolean {
    return this.intake.bodyDone
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
    return this.closing || !this.head.keepAlive || !this.bodyDone || (this.readEnded && !this.intake.pipelined)
  }

  // ---- answering -------------------------------------------------------------------------------------------------

  /** An interim answer (1xx): the final one is still to come. */
  interim(text: string): void {
    if (this.intake.exchanging) this.transport.writeText(text)
  }

  /** The head of the final answer, with as much of its body as fits in one write. */
  answer(text: string): boolean {
    this.answerBegun = true
    return this.deadlines.wrote(this.transport.writeText(text))
  }

  answerFrom(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    return this.deadlines.wrote(this.transport.writeFrom(source, bytes, from, to))
  }

  /** The answer is complete. `keepAlive` as promised in its head. */
  finish(keepAlive: boolean): void {
    const { intake } = this
    if (!intake.exchanging) return
    this.transport.endStream()
    // An unread rest of the request body would be taken for the next request.
    if (!keepAlive || this.closing || !intake.bodyDone) return this.linger()
    this.answerBegun = false
    this.deadlines.idle()
    intake.next()
    if (intake.reading) return
    intake.readBacklog()
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
    this.deadlines.bodyResumed()
    this.transport.resume()
  }

  /** From here on the connection carries bytes, not messages. Returns those that came behind the request. */
  startTunnel(end: TunnelEnd): Buffer | null {
    this.state = 'tunnel'
    this.tunnel = end
    this.deadlines.tunnel()
    this.transport.startStream()
    return this.intake.stop()
  }

  // ---- reading ---------------------------------------------------------------------------------------------------

  onConnected(): void {}

  onBytes(bytes: Buffer, length: number): void {
    if (this.state === 'tunnel') this.tunnel?.onTunnelBytes(bytes, length)
    else this.intake.read(bytes, 0, length)
  }

  onHead(): void {
    if (this.onlyOne) this.closing = true
    this.deadlines.bodyExpected()
  }

  onBodyEnd(): void {
    if (this.readEnded) this.deadlines.fin()
    else this.deadlines.none()
    this.transport.endStream()
    // Its last piece may have had it paused. There is nothing left to hold back, but the client's leaving to notice.
    this.resumeBody()
  }

  onRefusal(refusal: Refusal): void {
    this.closing = true
    this.deadlines.none()
    this.handler.onRefused(refusal)
  }

  onReadEnd(): void {
    this.readEnded = true
    // Lingering: the socket closes by itself once what is pending has been taken.
    if (this.state === 'tunnel') this.tunnel?.onTunnelEnd()
    else if (this.intake.phase !== 'answering') this.endOfRequests()
    else if (!this.answerBegun) this.deadlines.fin()
  }

  /** No more will come. A request that was begun is cut short for good. */
  private endOfRequests(): void {
    const { intake } = this
    if (intake.idle) this.linger()
    else if (intake.phase === 'head' || intake.phase === 'body')
      intake.refuse({ status: 400, reason: 'the request was cut off' })
  }

  onWritable(): void {
    this.deadlines.writable()
    if (this.state === 'tunnel') this.tunnel?.onTunnelWritable()
    else if (this.intake.exchanging) this.handler.onWritable()
  }

  onClosed(): void {
    const { state, intake } = this
    const { exchanging } = intake
    this.state = 'closed'
    intake.stop()
    this.sweeper.remove(this)
    if (state === 'tunnel') this.tunnel?.onTunnelClosed()
    else if (exchanging) this.handler.onGone()
    this.onEnd(this)
  }

  // ---- deadlines -------------------------------------------------------------------------------------------------

  sweep(now: Millis): void {
    const { deadlines, transport, intake } = this
    if (deadlines.stalled(now)) return transport.reset()
    if (!deadlines.due(now)) return
    if (this.state === 'lingering') {
      // Still taking its last answer: the limit on stalls ends that, not this one.
      if (transport.pending === 0) transport.destroy()
      return
    }
    if (intake.idle) return this.linger()
    switch (intake.phase) {
      case 'head':
        return intake.refuse(deadlines.lateHead)
      case 'body': {
        const slow = deadlines.slowBody(this.head.expectsContinue, this.bodyPaused)
        if (slow) intake.refuse(slow)
        return
      }
      case 'answering':
        this.askWhetherGone()
    }
  }

  /**
   * FIN says only that the client sends no more: it may be gone, or waiting for its answer. An interim answer, which any
   * client must accept (RFC 9110 §15.2), draws a reset from one that is gone.
   */
  private askWhetherGone(): void {
    this.deadlines.none()
    if (!this.readEnded || this.answerBegun || this.head.minor === 0) return
    this.transport.writeText(CONTINUE)
    this.deadlines.asked()
  }

  /** By its own word the client sends no more: nothing is on its way that a close would answer with a reset. */
  private get heardOut(): boolean {
    const { head, intake } = this
    return !this.closing && !head.keepAlive && head.body === 'none' && !intake.pipelined
  }

  private linger(): void {
    const { state, transport, intake, heardOut } = this
    if (state === 'closed' || state === 'lingering') return
    this.state = 'lingering'
    intake.stop()
    this.deadlines.linger(transport.pending)
    if (heardOut) return transport.close()
    transport.end()
    transport.resume()
  }
}
