/**
 * One HTTP/2 connection to an upstream (RFC 9113) and the streams on it: connects, watches that it is alive, ends.
 *
 * Requests wait for the upstream's SETTINGS. Until then nothing of them was sent, whatever is found at the other end, and
 * afterwards no more are sent than it takes.
 */
import type { ClientHttp2Session } from 'node:http2'
import { constants } from 'node:http2'
import type net from 'node:net'
import type { FailureKind } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { ConnectTo } from './connect-to.ts'
import type { Http2Channel, StreamCarrier } from './http2-channel.ts'
import type { OpenStream } from './http2-connect.ts'
import { authorityOf, Http2Socket, MOST_STREAMS, startSession, streamsOf } from './http2-connect.ts'
import { Http2Liveness, TOWARDS_UPSTREAMS } from './http2-liveness.ts'
import type { KnownAddresses } from './known-addresses.ts'
import type { HeadLimits } from './limits.ts'
import { NOWHERE } from './roster.ts'
import { failureKindOf } from './socket-failure.ts'
import type { Sweeper, Swept } from './sweeper.ts'

export interface SessionOwner {
  onHeard(): void
  onConnected(session: Http2UpstreamSession): void
  /** How many streams at once the upstream allows. */
  onRoom(streams: number): void
  /** There is room for one stream more, or one connection less. */
  onFree(): void
  /** It has no room for these. */
  onDisplaced(channels: readonly Http2Channel[]): void
  /** It takes no new streams on this connection, nor perhaps on any other. */
  onGoaway(): void
  /** Nothing is left of it for anybody. */
  onGone(session: Http2UpstreamSession): void
  /** Its socket is closed: once, whatever else is left. */
  onClosed(): void
}

export type SessionSetup = Readonly<{ owner: SessionOwner; sweeper: Sweeper; limits: HeadLimits }>

/** `leaving`: takes no new streams. */
type State = 'connecting' | 'open' | 'leaving' | 'closed'

const IDLE_FOR = 30_000
/** Without a stream, and neither open nor closed. */
const LEFT_ALONE = 10_000
/** A connection idle for longer than this may have been closed at the other end without our knowing. */
const PROVEN_WITHIN = 1_000
/** Streams have odd ids below 2^31, each its own. */
const LAST_STREAM = 1_000_000_000

export class Http2UpstreamSession implements StreamCarrier, Swept {
  sweptAt = NOWHERE
  readonly limits: HeadLimits
  readonly scheme: 'http' | 'https'
  readonly authority: string
  openStream: OpenStream | null = null
  private state: State = 'connecting'
  private readonly owner: SessionOwner
  private readonly sweeper: Sweeper
  private readonly addresses: KnownAddresses
  private readonly socket: Http2Socket
  private session: ClientHttp2Session | null = null
  private readonly channels = new Set<Http2Channel>()
  private readonly liveness: Http2Liveness
  /** Streams at once; until the upstream has said so, what it said last. */
  private room: number
  /** Streams so far. */
  served = 0
  /** Somebody waited for it in vain: whoever comes now had better try another. */
  private overdue = false
  /** Without a stream, or told to close. */
  private emptySince: Millis

  constructor(to: ConnectTo, room: number, setup: SessionSetup) {
    this.owner = setup.owner
    this.sweeper = setup.sweeper
    // One more: what frames an answer in HTTP/1.1 is not the upstream's.
    this.limits = { ...setup.limits, fields: setup.limits.fields + 1 }
    this.scheme = to.tls ? 'https' : 'http'
    this.authority = authorityOf(to)
    this.room = room
    this.liveness = new Http2Liveness(setup.sweeper.clock, TOWARDS_UPSTREAMS)
    this.emptySince = this.liveness.heardAt
    this.addresses = to.addresses
    const events = {
      onReady: (socket: net.Socket) => this.start(socket),
      onBroken: (kind: FailureKind, detail: string) => this.lose(kind, detail),
      onClosed: () => this.owner.onClosed(),
    }
    this.socket = new Http2Socket(to, events, setup.sweeper.clock)
    this.sweeper.add(this)
  }

  // ---- for its owner ---------------------------------------------------------------------------------------------

  get leaving(): boolean {
    const { state, session } = this
    return state === 'leaving' || state === 'closed' || session?.closed === true || session?.destroyed === true
  }

  get hasRoom(): boolean {
    return !this.leaving && !this.overdue && this.channels.size < this.room && !this.misplaced
  }

  /** The upstream is not at that address any more. */
  private get misplaced(): boolean {
    const { address } = this.socket
    return address !== '' && !this.addresses.includes(address)
  }

  /** Without a stream. */
  get empty(): boolean {
    return this.channels.size === 0
  }

  /** It has carried nothing yet. */
  get fresh(): boolean {
    return this.state === 'connecting'
  }

  /** Idle for so long that it may be closed at the other end. */
  get doubtful(): boolean {
    const idle = this.state === 'open' && this.empty
    return idle && this.sweeper.clock.now() - this.liveness.heardAt > PROVEN_WITHIN
  }

  add(channel: Http2Channel): void {
    this.channels.add(channel)
  }

  abandonWaiting(detail: string): void {
    for (const channel of [...this.channels]) channel.abandon(detail)
  }

  /** No new streams; closes with the last one. */
  retire(): void {
    if (this.leaving) return
    this.state = 'leaving'
    this.emptySince = this.sweeper.clock.now()
    this.session?.close()
  }

  close(kind: FailureKind, detail: string): void {
    this.state = 'closed'
    for (const channel of [...this.channels]) channel.fail(kind, detail)
    this.end()
  }

  // ---- for its streams -------------------------------------------------------------------------------------------

  enter(channel: Http2Channel): void {
    if (this.state !== 'open') return
    this.served++
    channel.begin()
    if (this.served >= LAST_STREAM) this.retire()
  }

  /**
   * What is closed within an event of node:http2 can take the whole process down: it goes on reading and writing for
   * streams that are gone (`Http2Stream::OnTrailers` in node_http2.cc, for one).
   */
  afterEvents(task: () => void): void {
    this.sweeper.clock.afterPendingIo(task)
  }

  onHeard(): void {
    this.liveness.heard()
    this.owner.onHeard()
  }

  onLeft(channel: Http2Channel, overdue: boolean): void {
    this.channels.delete(channel)
    this.overdue ||= overdue && this.state === 'connecting'
    this.owner.onFree()
    if (this.channels.size > 0) return
    this.emptySince = this.sweeper.clock.now()
    if (this.overdue || this.state === 'closed') this.end()
  }

  // ---- its life --------------------------------------------------------------------------------------------------

  private start(socket: net.Socket): void {
    this.owner.onConnected(this)
    const session = startSession(socket, this.scheme, this.limits)
    this.session = session
    this.openStream = streamsOf(session)
    session.on('remoteSettings', (settings) => this.onSettings(settings.maxConcurrentStreams ?? MOST_STREAMS))
    session.on('ping', () => this.onHeard())
    session.on('goaway', (code, lastStreamId) => this.onGoaway(code, lastStreamId))
    session.on('error', (error) => this.lose(failureKindOf(error), error.message))
  }

  private onSettings(streams: number): void {
    this.onHeard()
    this.room = Math.min(streams, MOST_STREAMS)
    this.owner.onRoom(this.room)
    if (this.state !== 'connecting') return
    this.state = 'open'
    this.overdue = false
    const waiting = [...this.channels]
    const displaced = waiting.slice(this.room)
    for (const channel of displaced) this.channels.delete(channel)
    for (const channel of waiting) if (this.channels.has(channel)) this.enter(channel)
    if (displaced.length > 0) this.owner.onDisplaced(displaced)
  }

  /** RFC 9113 §6.8: what is above the last stream was not and will not be processed. */
  private onGoaway(code: number, lastStreamId: number): void {
    this.onHeard()
    if (this.state !== 'closed') this.state = 'leaving'
    this.owner.onGoaway()
    for (const channel of [...this.channels]) {
      if (channel.streamId > lastStreamId) channel.unprocessed(`GOAWAY, last stream ${lastStreamId}`)
    }
    // node:http2 drops the connection on any other code, whatever is still to come on it.
    if (code !== constants.NGHTTP2_NO_ERROR) this.lose('reset', `GOAWAY with error code ${code}`)
  }

  private lose(kind: FailureKind, detail: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    for (const channel of [...this.channels]) channel.lost(kind, detail)
    this.end()
  }

  private end(): void {
    this.state = 'closed'
    this.afterEvents(() => {
      // The socket first: node:http2 would end open streams with NO_ERROR, and half a request would pass for a whole one.
      this.socket.destroy()
      this.session?.destroy()
    })
    if (this.channels.size > 0) return
    this.sweeper.remove(this)
    this.owner.onGone(this)
  }

  // ---- deadlines -------------------------------------------------------------------------------------------------

  sweep(now: Millis): void {
    for (const channel of this.channels) channel.sweep(now)
    if (this.channels.size > 0) {
      if (this.state === 'open') this.checkAlive(now)
      return
    }
    const empty = now - this.emptySince
    if (this.state === 'open' && empty > IDLE_FOR) this.retire()
    else if (this.state !== 'open' && empty > LEFT_ALONE) this.end()
  }

  private checkAlive(now: Millis): void {
    const { session } = this
    if (!session || session.destroyed || this.liveness.check(session, now, () => this.owner.onHeard())) return
    // Timers run before I/O: the answer may lie in a socket buffer, unread.
    this.sweeper.clock.afterPendingIo(() => {
      // As with a request that is not answered in time: what was processed nobody knows.
      if (this.channels.size > 0 && !this.liveness.check(session, now, () => {}))
        this.lose('timeout', 'a PING was not answered')
    })
  }
}
