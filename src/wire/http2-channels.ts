/**
 * The HTTP/2 connections to one upstream: one as long as it has room for another stream, then more.
 *
 * What a connection that closes under a request says depends on why it may have closed. A server that ends an idle
 * connection says GOAWAY (RFC 9113 §9.1), which proves what it has not processed; and one with streams on it, or just
 * heard from, is not idle. So only on a connection idle for long is a close without a word taken for the race that is
 * evidence of nothing (`served` above 0). Requests that cannot be repeated never get there: they take a new connection,
 * and the doubtful one is closed.
 */
import type { ConnectTo } from './connect-to.ts'
import type { ConnectionAllowance } from './connection-allowance.ts'
import type { ChannelsSetup, PoolEvents } from './connection-pool.ts'
import { Http2Channel } from './http2-channel.ts'
import { MOST_STREAMS } from './http2-connect.ts'
import type { SessionOwner, SessionSetup } from './http2-session.ts'
import { Http2UpstreamSession } from './http2-session.ts'
import type { UpstreamChannels } from './upstream-channel.ts'

/** Unless somebody says otherwise. With a hundred streams each, as many requests as a listener has connections. */
const MOST_SESSIONS = 100

export class Http2Channels implements UpstreamChannels {
  private readonly sessions = new Set<Http2UpstreamSession>()
  private readonly to: ConnectTo
  private readonly allowance: ConnectionAllowance
  private readonly events: PoolEvents
  private readonly setup: SessionSetup
  /** Opened ahead, and who waits for them. */
  private readonly connecting = new Map<Http2UpstreamSession, () => void>()
  /** Streams that a new connection is thought to have room for: what the upstream said last. */
  private room = MOST_STREAMS

  constructor(to: ConnectTo, { sweeper, limits, allowance, events }: ChannelsSetup) {
    this.to = to
    this.allowance = allowance
    this.events = events
    this.setup = { sweeper, limits, owner: this.owner }
  }

  private readonly owner: SessionOwner = {
    onHeard: () => this.events.onHeard(),
    onConnected: (session) => {
      this.events.onConnected()
      this.arrived(session)
    },
    onRoom: (streams) => {
      this.room = Math.max(1, streams)
      this.events.onFree?.()
    },
    onFree: () => this.events.onFree?.(),
    onGoaway: () => {
      this.events.onGoaway?.()
      this.events.onFree?.()
    },
    onDisplaced: (channels) => this.place(channels),
    onGone: (session) => {
      this.sessions.delete(session)
      this.arrived(session)
      this.events.onFree?.()
    },
    onClosed: () => this.allowance.giveBack(),
  }

  get size(): number {
    return this.sessions.size
  }

  /** One connection carries them all. */
  preconnect(_count: number, done: () => void): void {
    for (const { hasRoom } of this.sessions) if (hasRoom) return done()
    const session = this.newSession()
    if (session) this.connecting.set(session, done)
    else done()
  }

  acquire(repeatable: boolean): Http2Channel | null {
    for (const session of this.sessions) {
      if (!session.hasRoom) continue
      if (repeatable || !session.doubtful) return channelOn(session)
      session.retire()
    }
    const session = this.newSession()
    return session && channelOn(session)
  }

  /** Those who ask at the same time share it: it is the connection that is to be new. */
  open(): Http2Channel | null {
    const session = this.freshSession()
    return session ? channelOn(session) : this.acquire(false)
  }

  abandonWaiting(detail: string): void {
    for (const session of [...this.sessions]) session.abandonWaiting(detail)
  }

  closeAll(): void {
    for (const session of [...this.sessions]) session.close('aborted', 'the upstream was taken out of service')
  }

  /** Once only: an upstream that allows no streams would otherwise be connected to again and again. */
  private place(channels: readonly Http2Channel[]): void {
    for (const channel of channels) {
      const session = channel.moved ? null : (this.anySession() ?? this.newSession())
      if (!session) {
        channel.fail('unprocessed', 'the upstream has no room for another stream')
        continue
      }
      session.add(channel)
      channel.moveTo(session)
    }
  }

  private freshSession(): Http2UpstreamSession | null {
    for (const session of this.sessions) if (session.fresh && session.hasRoom) return session
    return this.newSession()
  }

  private anySession(): Http2UpstreamSession | null {
    for (const session of this.sessions) if (session.hasRoom) return session
    return null
  }

  private arrived(session: Http2UpstreamSession): void {
    const done = this.connecting.get(session)
    this.connecting.delete(session)
    done?.()
  }

  private newSession(): Http2UpstreamSession | null {
    let staying = 0
    for (const session of this.sessions) if (!session.leaving) staying++
    if (this.allowance.max === null && staying >= MOST_SESSIONS) return null
    if (!this.allowance.take()) {
      this.endEmpty()
      return null
    }
    // Until it says more: one too many could not be put on a further connection, and those who wait go in order.
    const room = this.allowance.max === null ? this.room : 1
    const session = new Http2UpstreamSession(this.to, room, this.setup)
    this.sessions.add(session)
    return session
  }

  /** Those that have nothing left to do but to close: their places are needed. */
  private endEmpty(): void {
    for (const session of this.sessions) {
      if (session.leaving && session.empty) session.close('aborted', 'another connection is needed')
    }
  }
}

function channelOn(session: Http2UpstreamSession): Http2Channel {
  const channel = new Http2Channel(session, session.doubtful ? session.served : 0)
  session.add(channel)
  return channel
}
