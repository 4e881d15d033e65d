/**
 * The client's side of one connection to an upstream: one request at a time, its response handed to whoever sent it.
 * What an upstream says out of turn, or beyond the end of its answer, ends the connection and reaches nobody.
 */
import type { FailureKind } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import { BodyFraming } from './body-framing.ts'
import type { ConnectTo } from './connect-to.ts'
import { HeadReader } from './head-reader.ts'
import type { HeadLimits } from './limits.ts'
import { ResponseHead } from './response-head.ts'
import { NOWHERE } from './roster.ts'
import { failureKindOf } from './socket-failure.ts'
import type { TunnelEnd } from './splice.ts'
import type { Sweeper, Swept } from './sweeper.ts'
import type { TransportOwner } from './transport.ts'
import { Transport } from './transport.ts'
import type { ResponseHandler, UpstreamChannel } from './upstream-channel.ts'

export interface UpstreamConnectionOwner {
  /** Any byte: it is alive. */
  onHeard(): void
  onConnected(): void
  /** Ready for another request. */
  onIdle(connection: UpstreamConnection): void
  /** Whether its place is wanted for another connection. */
  wanted(): boolean
  /** The server closed it after it had been idle for `age` ms. */
  onLeft(age: number): void
  onClosed(connection: UpstreamConnection): void
}

type State = 'connecting' | 'idle' | 'busy' | 'tunnel' | 'closed'

const MAX_INTERIM = 16
/** One that nobody has used for that long can be spared, ms. */
const SPARE_AFTER = 100

export class UpstreamConnection implements UpstreamChannel, TransportOwner, Swept {
  sweptAt = NOWHERE
  /** The connection pool's. */
  pooledAt = NOWHERE
  readonly head = new ResponseHead()
  readonly transport: Transport
  /** Requests it has carried before the current one. */
  served = 0
  idleSince: Millis
  /** How long it may stay idle, by the server's own hint. */
  idleFor: number
  private state: State = 'connecting'
  private readonly owner: UpstreamConnectionOwner
  private readonly sweeper: Sweeper
  private readonly limits: HeadLimits
  private readonly defaultIdleFor: number
  private readonly reader = new HeadReader()
  private readonly framing = new BodyFraming()
  private handler: ResponseHandler | null = null
  private tunnel: TunnelEnd | null = null
  private headSeen = false
  private interims = 0
  private requestDone = false

  constructor(
    to: ConnectTo,
    setup: Readonly<{ owner: UpstreamConnectionOwner; sweeper: Sweeper; limits: HeadLimits; idleFor: number }>,
  ) {
    this.owner = setup.owner
    this.sweeper = setup.sweeper
    this.limits = setup.limits
    this.defaultIdleFor = setup.idleFor
    this.idleFor = setup.idleFor
    this.idleSince = setup.sweeper.clock.now()
    this.transport = Transport.connect(this, to, setup.sweeper.clock)
    this.sweeper.add(this)
  }

  get tunnelling(): boolean {
    return this.state === 'tunnel'
  }

  get idle(): boolean {
    return this.state === 'idle'
  }

  use(handler: ResponseHandler): void {
    this.handler = handler
    this.headSeen = false
    this.interims = 0
    this.requestDone = false
    if (this.state !== 'idle') return
    this.state = 'busy'
    handler.onConnected()
  }

  get pending(): number {
    return this.transport.pending
  }

  writeText(latin1: string): boolean {
    return this.transport.writeText(latin1)
  }

  writeKept(bytes: Buffer): boolean {
    return this.transport.writeKept(bytes)
  }

  writeFrom(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    return this.transport.writeFrom(source, bytes, from, to)
  }

  pause(): void {
    this.transport.pause()
  }

  resume(): void {
    this.transport.resume()
  }

  requestFinished(): void {
    this.requestDone = true
  }

  discard(): void {
    this.handler = null
    this.transport.destroy()
  }

  /** Tells whoever waits for an answer, or for the rest of one, that it may be in vain. */
  abandon(detail: string): void {
    this.handler?.onAbandoned(detail)
  }

  startTunnel(end: TunnelEnd): void {
    this.state = 'tunnel'
    this.handler = null
    this.tunnel = end
    this.transport.startStream()
  }

  onConnected(): void {
    this.owner.onConnected()
    this.served = 0
    if (this.handler) {
      this.state = 'busy'
      this.handler.onConnected()
      return
    }
    // Opened ahead: idle like one that has served, and what closes it under its first request may be the same race.
    this.served = 1
    this.becomeIdle()
  }

  onBytes(bytes: Buffer, length: number): void {
    this.owner.onHeard()
    if (this.state === 'tunnel') return this.tunnel?.onTunnelBytes(bytes, length)
    if (this.state !== 'busy' || !this.handler) {
      // Unsolicited bytes would be taken for the answer to the next request (response-queue poisoning).
      this.transport.destroy()
      return
    }
    this.parse(this.handler, bytes, length)
  }

  private parse(handler: ResponseHandler, bytes: Buffer, length: number): void {
    let at = 0
    while (!this.headSeen) {
      if (at === length) return
      const read = this.reader.read(bytes, at, length, this.limits.headBytes)
      if (read.state === 'partial') return
      if (read.state !== 'complete') return this.fail('protocol', `the response head is ${read.state}`)
      at = read.next
      const problem = this.readHead(handler, read.text)
      if (problem !== null) return this.fail('protocol', problem)
      if (this.handler !== handler) return this.passToTunnel(bytes, at, length)
    }
    at = this.framing.read(bytes, at, length, handler)
    if (this.framing.problem !== null) return this.fail('protocol', this.framing.problem.reason)
    if (this.handler !== handler) return
    if (!this.framing.done) {
      this.transport.startStream()
      handler.onBatch()
      return
    }
    this.finish(at < length)
  }

  private readHead(handler: ResponseHandler, text: string): string | null {
    const { head } = this
    const problem = head.parse(text, handler.method, this.limits)
    if (problem !== null) return problem
    if (head.status === 101 || head.status >= 200) {
      this.headSeen = true
      const bare = handler.bareBody && head.body === 'chunked'
      this.framing.start(head.body, head.length, bare)
      handler.onHead()
      return null
    }
    if (++this.interims > MAX_INTERIM) return `more than ${MAX_INTERIM} interim responses`
    handler.onInterim()
    return null
  }

  /** The head was a 101 that opened a tunnel: what follows it belongs there. */
  private passToTunnel(bytes: Buffer, from: number, to: number): void {
    if (this.tunnel && from < to) this.tunnel.onTunnelBytes(bytes.subarray(from, to), to - from)
  }

  /** `beyond`: more bytes came than the answer has. It is whole, but the connection cannot be trusted. */
  private finish(beyond: boolean): void {
    const { handler } = this
    this.handler = null
    this.transport.endStream()
    const reusable = this.head.keepAlive && this.head.body !== 'close' && this.requestDone && !beyond
    this.idleFor = this.head.keepAliveHint > 0 ? Math.max(0, this.head.keepAliveHint - 2_000) : this.defaultIdleFor
    this.served++
    if (reusable) this.becomeIdle()
    else this.transport.destroy()
    handler?.onFinished(this.framing.bareTrailers)
  }

  private becomeIdle(): void {
    this.state = 'idle'
    // A slow client may have had it paused: unread, it could not tell that it was closed.
    this.transport.resume()
    this.idleSince = this.sweeper.clock.now()
    this.owner.onIdle(this)
  }

  onReadEnd(): void {
    if (this.state === 'tunnel') return this.tunnel?.onTunnelEnd()
    if (this.state === 'busy' && this.headSeen && this.framing.kind === 'close' && !this.framing.done) {
      this.framing.done = true
      return this.finish(false)
    }
    this.left()
    this.fail(this.headSeen || !this.reader.empty ? 'truncated' : 'reset', 'the upstream closed the connection')
  }

  private left(): void {
    if (this.state === 'idle') this.owner.onLeft(this.sweeper.clock.now() - this.idleSince)
  }

  onWritable(): void {
    if (this.state === 'tunnel') this.tunnel?.onTunnelWritable()
    else this.handler?.onWritable()
  }

  onClosed(error: NodeJS.ErrnoException | null): void {
    const { state, tunnel } = this
    const broken = this.headSeen || !this.reader.empty
    if (error) this.left()
    this.state = 'closed'
    this.sweeper.remove(this)
    this.owner.onClosed(this)
    if (state === 'tunnel') return tunnel?.onTunnelClosed()
    const kind = failureKindOf(error)
    this.tell(kind === 'reset' && broken ? 'truncated' : kind, error?.message ?? 'the connection was closed')
  }

  fail(kind: FailureKind, detail: string): void {
    this.transport.destroy()
    this.tell(kind, detail)
  }

  private tell(kind: FailureKind, detail: string): void {
    const { handler } = this
    this.handler = null
    handler?.onFailed(kind, detail)
  }

  sweep(now: Millis): void {
    this.handler?.sweep(now)
    // One opened ahead may never get through; nobody else watches it.
    const unused = this.state === 'idle' || (this.state === 'connecting' && this.handler === null)
    if (!unused) return
    const age = now - this.idleSince
    if (age > this.idleFor || (age > SPARE_AFTER && this.owner.wanted())) this.transport.destroy()
  }
}
