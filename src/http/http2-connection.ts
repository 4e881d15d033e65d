/**
 * One HTTP/2 session with a client (RFC 9113): an exchange for every stream, bounds on what one client may make us do,
 * and its end. Frames, compression and flow control are node:http2's.
 */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { constants, performServerHandshake } from 'node:http2'
import type net from 'node:net'
import type { Millis } from '../core/time.ts'
import type { Arrival } from '../wire/arrival.ts'
import type { HeaderList } from '../wire/http2-fields.ts'
import type { Pace, Pinged } from '../wire/http2-liveness.ts'
import { Http2Liveness } from '../wire/http2-liveness.ts'
import type { KeepFor } from '../wire/http2-memory.ts'
import { keepForStreams } from '../wire/http2-memory.ts'
import type { ClientLimits } from '../wire/limits.ts'
import { NOWHERE } from '../wire/roster.ts'
import type { Swept } from '../wire/sweeper.ts'
import type { ClientInfo } from './exchange.ts'
import type { HttpPool } from './http-pool.ts'
import type { SinkOwner } from './http2-sink.ts'
import { Http2Sink } from './http2-sink.ts'
import { MessageExchange } from './message-exchange.ts'
import { ResetLimit } from './reset-limit.ts'

/** `streams`: requests at the same time on one connection. */
export type Http2Limits = ClientLimits & Readonly<{ streams: number }>

export type Http2Setup = Readonly<{
  client: ClientInfo
  pool: HttpPool
  limits: Http2Limits
  onEnd: (connection: Http2Connection) => void
}>

/** How long the other side may take to close a connection that is done with. */
const LINGER = 2_000
/** Long: on a slow line, a PING and its answer wait behind much else. */
const TOWARDS_CLIENTS: Pace = { quietFor: 60_000, answerWithin: 60_000, quietAfterPings: 60_000 }
/** For all streams together; what one stream may hold back is bounded by its own window (64 KiB). */
const CONNECTION_WINDOW = 1_048_576
const MEBIBYTES = 16
/** RFC 9113 §6.5.2: every field counts for that much more than its name and value. */
const FIELD_OVERHEAD = 32
/** Split cookies count one by one until they are joined. */
const PIECES_A_FIELD = 4

export class Http2Connection implements Swept, SinkOwner, Pinged {
  sweptAt = NOWHERE
  servedAt = NOWHERE
  private readonly socket: net.Socket
  private readonly session: ServerHttp2Session
  private readonly keepFor: KeepFor
  private readonly setup: Http2Setup
  private readonly sinks = new Set<Http2Sink>()
  private readonly resets: ResetLimit
  private readonly liveness: Http2Liveness
  /** Bytes both ways, when it last left a PING unanswered. */
  private moved = 0
  private served = false
  /** The client has reset too many streams. */
  private abused = false
  private over = false
  /** Since when no stream is open, or the session has ended. */
  private quietSince: Millis
  /** While an answer waits to be taken: since when, and how much had been taken by then. */
  private stall: Readonly<{ since: Millis; taken: number }> | null = null

  constructor(arrival: Arrival, setup: Http2Setup) {
    this.setup = setup
    this.socket = arrival.socket
    this.quietSince = this.now()
    this.resets = new ResetLimit(this.quietSince)
    this.liveness = new Http2Liveness(setup.pool.clock, TOWARDS_CLIENTS)
    this.session = openSession(arrival.socket, setup.limits)
    this.keepFor = keepForStreams(this.session)
    this.session.on('stream', (stream, _headers, _flags, fields) => this.serve(stream, fields))
    // A FIN is no half-close here: without WINDOW_UPDATE and acknowledgements no session goes on.
    this.socket.on('end', () => this.kill())
    this.socket.on('finish', () => {
      this.quietSince = this.now()
    })
    this.socket.on('close', () => this.finish())
    setup.pool.sweeper.add(this)
    // It arrived paused, and the session reads only what flows.
    this.socket.read(0)
  }

  now(): Millis {
    return this.setup.pool.clock.now()
  }

  /** GOAWAY: the streams that are open go on, and the connection ends with the last of them. */
  closeWhenDone(): void {
    if (this.session.closed) return
    this.quietSince = this.now()
    this.session.close()
  }

  kill(): void {
    this.socket.destroy()
  }

  private serve(stream: ServerHttp2Stream, fields: HeaderList): void {
    // What it says is known by its code already; unheard, it would end the process.
    stream.on('error', () => {})
    this.keepFor(stream)
    if (this.abused) return
    // Reset in the same read as it was opened.
    if (stream.destroyed || stream.closed) return this.countReset()
    const { client, pool, limits } = this.setup
    this.served = true
    const sink = new Http2Sink(stream, this)
    this.sinks.add(sink)
    sink.start(new MessageExchange({ sink, client, pool, limits }), fields, limits)
  }

  onStreamClosed(sink: Http2Sink, reset: boolean): void {
    this.sinks.delete(sink)
    if (this.sinks.size === 0) this.quietSince = this.now()
    if (reset) this.countReset()
    else this.resets.answered()
  }

  private countReset(): void {
    if (this.abused || this.session.destroyed || !this.resets.reset(this.now())) return
    this.abused = true
    // Within an event of node:http2 that can take the whole process down: it goes on reading for a session that is gone.
    this.setup.pool.clock.afterPendingIo(() => {
      this.session.destroy(new Error('too many streams were reset'), constants.NGHTTP2_ENHANCE_YOUR_CALM)
    })
  }

  // ---- deadlines -------------------------------------------------------------------------------------------------

  sweep(now: Millis): void {
    const { socket, sinks } = this
    const { idleTimeout, headTimeout } = this.setup.limits
    if (socket.destroyed) return this.finish()
    for (const sink of sinks) sink.sweep(now, idleTimeout)
    if (this.stalls(now)) return this.kill()
    const quiet = now - this.quietSince
    if (socket.writableFinished) {
      if (quiet > LINGER) this.kill()
    } else if (sinks.size > 0) this.checkAlive(now)
    else if (quiet > (this.served ? idleTimeout : headTimeout)) {
      if (this.session.closed) this.kill()
      else this.closeWhenDone()
    }
  }

  /**
   * A client may vanish without a word, and its streams may rightly be silent for ever. Nor does node:http2 say that it
   * reads no more: after a protocol error on a session that has sent or heard GOAWAY, not even FIN is noticed.
   */
  private checkAlive(now: Millis): void {
    if (this.session.destroyed || this.answers(now)) return
    // Timers run before I/O: the answer may lie in a socket buffer, unread.
    this.setup.pool.clock.afterPendingIo(() => {
      if (!this.session.destroyed && !this.answers(now)) this.kill()
    })
  }

  private answers(now: Millis): boolean {
    const { liveness, socket } = this
    if (liveness.check(this, now, () => {})) return true
    const moved = socket.bytesRead + bytesTaken(socket)
    if (moved === this.moved) return false
    this.moved = moved
    liveness.heard()
    return true
  }

  /** On a session that has sent or heard GOAWAY, node:http2 sends no PING. SETTINGS has to be answered as well (§6.5.3). */
  ping(answered: (error: Error | null) => void): void {
    if (this.session.closed) this.session.settings({}, answered)
    else this.session.ping(answered)
  }

  /** Whether the client has taken next to nothing of what waits for it. */
  private stalls(now: Millis): boolean {
    if (!this.waiting) {
      this.stall = null
      return false
    }
    const { writeStall, bodyRate } = this.setup.limits
    const taken = bytesTaken(this.socket)
    const enough = (bodyRate * writeStall) / 1_000
    if (this.stall === null || taken - this.stall.taken >= enough) this.stall = { since: now, taken }
    return now - this.stall.since > writeStall
  }

  private get waiting(): boolean {
    // The GOAWAY of a session that has ended is behind whatever has not been taken yet.
    if (this.session.destroyed) return !this.socket.writableFinished
    for (const sink of this.sinks) if (sink.waiting) return true
    return false
  }

  private finish(): void {
    if (this.over) return
    this.over = true
    this.setup.pool.sweeper.remove(this)
    for (const sink of this.sinks) sink.gone()
    this.setup.onEnd(this)
  }
}

function openSession(socket: net.Socket, limits: Http2Limits): ServerHttp2Session {
  const { streams, headBytes, fields } = limits
  const options = {
    settings: { maxConcurrentStreams: streams, maxHeaderListSize: headBytes + fields * FIELD_OVERHEAD },
    maxHeaderListPairs: fields * PIECES_A_FIELD,
    maxSessionMemory: MEBIBYTES,
    maxSessionInvalidFrames: 100,
    maxOutstandingSettings: 10,
    maxOutstandingPings: 10,
    // A second line behind ResetLimit, which knows of answers.
    streamResetBurst: 2_000,
    streamResetRate: 100,
    // Ours to judge: node:http2 would leave such a field out, and serve the rest.
    strictFieldWhitespaceValidation: false,
    // Of answers: an upstream that repeats a field is not for node:http2 to judge.
    strictSingleValueFields: false,
  }
  const session = performServerHandshake(socket, options)
  session.on('error', () => {})
  session.setLocalWindowSize(CONNECTION_WINDOW)
  return session
}

/** What the kernel has taken. `_handle` is internal: should it ever be missing, only whole writes count. */
function bytesTaken(socket: net.Socket): number {
  const { _handle } = socket as unknown as { _handle: { writeQueueSize?: number } | null }
  return socket.bytesWritten - (_handle?.writeQueueSize ?? 0)
}
