/**
 * One connection of a listener with routes of its own: served by Node's HTTP/1.1 server, which knows nothing of the
 * listener's limits. Requests are answered one after the other, as a proxy must that cannot tell which depend on which.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Millis } from '../core/time.ts'
import type { ClientLimits } from '../wire/limits.ts'
import type { ServedConnection } from '../wire/listener.ts'
import type { Refusal } from '../wire/request-head.ts'
import { NOWHERE } from '../wire/roster.ts'
import type { Sweeper, Swept } from '../wire/sweeper.ts'
import { breakOff } from '../wire/transport.ts'
import { errorAnswer, errorText, refusalReply } from './error-response.ts'
import type { ClientInfo } from './exchange.ts'
import { closeGently } from './gentle-close.ts'

export type Turn = Readonly<{ request: IncomingMessage; response: ServerResponse; serve: () => void }>
export type FrontConnectionSetup = Readonly<{ limits: ClientLimits; sweeper: Sweeper; onEnd: () => void }>

/** A client that has sent FIN may have left or may only have finished sending; after this long it is asked. */
const ASK_AFTER_FIN = 100
const NOT_UNDERSTOOD = { head: null, headOnly: false, requestId: '' } as const

export class FrontConnection implements ServedConnection, Swept {
  sweptAt = NOWHERE
  servedAt = NOWHERE
  readonly client: ClientInfo
  private readonly socket: Socket
  private readonly setup: FrontConnectionSetup
  private current: Turn | null = null
  /** Pipelined. */
  private waiting: Turn[] = []
  /** Of what came behind them. */
  private refusal: Refusal | null = null
  private closing = false
  /** What it has become by an upgrade. */
  private successor: ServedConnection | null = null
  /** The last request is over since then, with so many bytes read. */
  private idle: Readonly<{ since: Millis; read: number }>
  private headSince: Millis | null = null
  private endedSince: Millis | null = null
  /** The client sends no more: it is gone, or waits for its answer. */
  private silentSince: Millis | null = null
  private asked = 0

  constructor(socket: Socket, client: ClientInfo, setup: FrontConnectionSetup) {
    const { sweeper } = setup
    this.socket = socket
    this.client = client
    this.setup = setup
    // What came with a PROXY header has been read already.
    this.idle = { since: sweeper.clock.now(), read: socket.bytesRead - socket.readableLength }
    closeGently(socket, sweeper.clock)
    sweeper.add(this)
    socket.once('end', () => {
      this.silentSince = sweeper.clock.now()
    })
    socket.once('close', () => {
      sweeper.remove(this)
      if (!this.successor) setup.onEnd()
    })
  }

  /** Nothing can be answered any more. */
  private get over(): boolean {
    return this.socket.writableEnded || this.socket.destroyed
  }

  begin(turn: Turn): void {
    if (this.over || this.closing) return
    if (this.current) {
      this.waiting.push(turn)
      this.socket.pause()
    } else this.serve(turn)
  }

  private serve(turn: Turn): void {
    const { response } = turn
    this.current = turn
    response.once('close', () => this.next())
    turn.serve()
  }

  private next(): void {
    this.current = null
    this.headSince = null
    this.endedSince = null
    this.idle = { since: this.setup.sweeper.clock.now(), read: this.socket.bytesRead }
    if (this.over) return
    const turn = this.waiting.shift()
    if (this.closing) this.socket.destroySoon()
    else if (turn) this.serve(turn)
    else if (this.refusal) this.refuse(this.refusal)
    else this.socket.resume()
  }

  closeWhenDone(): void {
    this.closing = true
    this.waiting = []
    if (this.successor) return this.successor.closeWhenDone()
    if (!this.current) this.socket.destroySoon()
    else if (!this.current.response.headersSent) this.current.response.shouldKeepAlive = false
  }

  kill(): void {
    this.successor?.kill()
    this.socket.destroy()
  }

  /** `connection` has the socket from now on. Returns what to call at its end. */
  upgraded(connection: ServedConnection): () => void {
    this.successor = connection
    this.current = null
    this.setup.sweeper.remove(this)
    if (this.closing) connection.closeWhenDone()
    return this.setup.onEnd
  }

  /** What comes cannot be understood. Before an answer that is still to come, a refusal would be taken for that one. */
  refuse(refusal: Refusal): void {
    const { current, socket } = this
    if (this.over) return
    if (!current) {
      socket.write(errorText(refusalReply(refusal), NOT_UNDERSTOOD, true), 'latin1')
      socket.destroySoon()
    } else if (current.request.complete) this.refusal = refusal
    // Refused already.
    else if (current.response.writableEnded) return
    else if (current.response.headersSent) breakOff(socket)
    else this.refuseRequest(current.response, refusal)
  }

  /** This request, whose turn it is. */
  refuseRequest(response: ServerResponse, refusal: Refusal): void {
    const headOnly = response.req.method === 'HEAD'
    const { status, phrase, fields, body } = errorAnswer(refusalReply(refusal), { ...NOT_UNDERSTOOD, headOnly })
    response.shouldKeepAlive = false
    response.writeHead(status, phrase, fields.flat())
    response.end(body)
  }

  // ---- deadlines -------------------------------------------------------------------------------------------------

  sweep(now: Millis): void {
    if (this.over) return
    if (!this.current) return this.checkHead(now)
    this.checkStall(this.current.response, now)
    this.askWhetherGone(this.current, now)
  }

  /** As `ClientConnection` does: what a client that is gone does not take shows when something is written again. */
  private askWhetherGone({ request, response }: Turn, now: Millis): void {
    if (this.silentSince === null || response.headersSent || request.httpVersionMinor === 0 || this.asked === 2) return
    if (now - this.silentSince < ASK_AFTER_FIN) return
    this.silentSince = now
    this.asked++
    response.writeContinue()
  }

  /** All is written; that the client takes it is for nobody else to see. */
  private checkStall(response: ServerResponse, now: Millis): void {
    if (!response.writableEnded) return
    this.endedSince ??= now
    if (now - this.endedSince > this.setup.limits.writeStall) breakOff(this.socket)
  }

  private checkHead(now: Millis): void {
    const { headTimeout, idleTimeout } = this.setup.limits
    const { since, read } = this.idle
    if (this.socket.bytesRead !== read) this.headSince ??= now
    if (this.headSince === null) {
      if (now - since > idleTimeout) this.socket.destroySoon()
    } else if (now - this.headSince > headTimeout) {
      this.refuse({ status: 408, reason: `no complete head within ${headTimeout} ms` })
    }
  }
}
