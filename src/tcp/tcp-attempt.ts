/**
 * One try of one session at one upstream: connects, reports why that failed, and once the session has begun is its
 * upstream's side. Knows what its end is evidence of; what follows from it is decided elsewhere.
 */
import type { Failure, FailureKind, FailurePhase } from '../core/failure.ts'
import type { Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { NOWHERE } from '../wire/roster.ts'
import { failureKindOf } from '../wire/socket-failure.ts'
import type { TunnelEnd } from '../wire/splice.ts'
import type { Transport, TransportOwner } from '../wire/transport.ts'
import { openUpstream } from './opening.ts'
import type { TcpEndpoint } from './tcp-endpoint.ts'

/** Whoever looks for an upstream. After each of these calls but the first the attempt is over. */
export interface AttemptSearch {
  /** To be answered by `establish`, or by letting go of it. */
  onConnected(): void
  /** Nothing of the client's has reached the upstream. */
  onFailed(failure: Failure): void
  /** It was still connecting when its upstream was taken out of service. */
  onAborted(): void
}

/** The session that an established attempt belongs to. */
export interface AttemptSide {
  /** The client will send no more. */
  readonly clientEnded: boolean
  /** The upstream's first byte, or its end without one. `begin` must have been called on return. */
  onUpstreamBegins(): void
  /** Its upstream was taken out of service, or everything ends. The attempt goes on until it is let go of. */
  onCut(): void
  /** `broken`: by an error, neither in good order nor by us. */
  onUpstreamClosed(broken: boolean): void
}

/** `quiet`: connected, and neither side has said anything yet, so that nobody would notice another upstream. */
type State = 'connecting' | 'quiet' | 'begun' | 'over'

/** All sessions are alike to us: the one class of them that evidence knows. */
const ROUTE_CLASS = 'tcp'
/**
 * A FIN without a byte is a failure when it comes sooner than this: forwarders with nobody behind them (a container's
 * published port, a load balancer without servers) accept and close at once. One that comes later, to a client that
 * says nothing, is a server that has lost its patience, and that is its good right.
 */
const CLOSES_AT_ONCE = 200

export class TcpAttempt implements TransportOwner {
  connectingAt = NOWHERE
  establishedAt = NOWHERE
  readonly endpoint: TcpEndpoint
  bytesOut = 0
  /** The upstream has said something. */
  heard = false
  /** The upstream will send no more. */
  ended = false
  private readonly search: AttemptSearch
  private readonly side: AttemptSide
  private readonly clock: Clock
  private readonly header: Buffer | null
  private transport: Transport | null = null
  private readonly breakOff: () => void
  private state: State = 'connecting'
  private tunnel: TunnelEnd | null = null
  /** Began to connect; later: connected. */
  private since: Millis

  constructor(
    endpoint: TcpEndpoint,
    setup: Readonly<{
      search: AttemptSearch
      side: AttemptSide
      clock: Clock
      /** To be written before anything else. */
      header: Buffer | null
    }>,
  ) {
    this.endpoint = endpoint
    this.search = setup.search
    this.side = setup.side
    this.clock = setup.clock
    this.header = setup.header
    this.since = setup.clock.now()
    endpoint.addConnecting(this)
    this.breakOff = openUpstream(endpoint.upstream.to, this, {
      clock: setup.clock,
      header: setup.header,
      opened: (transport) => {
        this.transport = transport
      },
    })
  }

  get upstream(): UpstreamId {
    return this.endpoint.ledger.id
  }

  get quiet(): boolean {
    return this.state === 'quiet'
  }

  get over(): boolean {
    return this.state === 'over'
  }

  /** Bytes written that the kernel has not taken yet. */
  get pending(): number {
    return this.transport?.pending ?? 0
  }

  // ---- what its session does with it -------------------------------------------------------------------------------

  /** The session is this upstream's. */
  establish(): void {
    this.state = 'quiet'
    this.since = this.clock.now()
    if (this.header && !this.endpoint.upstream.to.tls) this.transport?.writeKept(this.header)
    this.endpoint.addEstablished(this)
  }

  /** Joins it with the client. Null: a switch that had waited for it to be connected has taken it away again. */
  begin(join: (upstream: Transport) => TunnelEnd): Transport | null {
    if (this.state !== 'quiet' || !this.transport) return null
    this.state = 'begun'
    this.tunnel = join(this.transport)
    return this.transport
  }

  /** Lets go of it without a verdict. */
  discard(): void {
    this.leave(() => this.transport?.destroy())
  }

  /** Ends it so that nothing that was written and is still under way reaches the upstream. */
  reset(): void {
    this.leave(() => this.transport?.reset())
  }

  sweep(now: Millis, connectWithin: number): void {
    const late = this.state === 'connecting' && now - this.since > connectWithin
    if (late) this.fail('timeout', `no connection within ${connectWithin} ms`)
  }

  // ---- what its endpoint does with it ----------------------------------------------------------------------------

  /** The upstream was given up: a client that has said nothing yet need not wait for it. */
  abandon(detail: string): void {
    if (this.state !== 'connecting' && this.state !== 'quiet') return
    const failure = this.failure('hang', detail)
    this.discard()
    this.search.onFailed(failure)
  }

  abort(): void {
    this.discard()
    this.search.onAborted()
  }

  cut(): void {
    if (this.state !== 'over') this.side.onCut()
  }

  // ---- its connection --------------------------------------------------------------------------------------------

  onConnected(): void {
    if (this.state !== 'connecting') return
    this.endpoint.ledger.connected()
    this.search.onConnected()
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.state === 'over') return
    const { ledger } = this.endpoint
    const now = this.clock.now()
    ledger.heard(now)
    ledger.counters.bytesOut += length
    this.bytesOut += length
    if (!this.heard) this.firstByte(now)
    this.tunnel?.onTunnelBytes(bytes, length)
  }

  private firstByte(now: Millis): void {
    this.heard = true
    this.endpoint.answered(now)
    this.side.onUpstreamBegins()
  }

  onReadEnd(): void {
    // In the middle of a handshake an error follows that says more.
    if (this.state === 'over' || this.state === 'connecting') return
    this.ended = true
    if (this.state === 'quiet') {
      if (this.clock.now() - this.since <= CLOSES_AT_ONCE)
        return this.fail('reset', 'accepts connections and closes them')
      this.side.onUpstreamBegins()
    }
    this.tunnel?.onTunnelEnd()
  }

  onWritable(): void {
    this.tunnel?.onTunnelWritable()
  }

  onClosed(error: NodeJS.ErrnoException | null): void {
    if (this.state === 'over') return
    const kind = failureKindOf(error)
    const detail = error?.message ?? 'the connection was closed'
    if (this.state !== 'begun') return this.fail(kind, detail)
    const failure = this.failure(kind, detail)
    this.leave(() => {})
    // After an end on either side a reset only says that nobody listens any more.
    if (error && !this.ended && !this.side.clientEnded) this.report(failure)
    this.side.onUpstreamClosed(error !== null)
    this.tunnel?.onTunnelClosed()
  }

  private fail(kind: FailureKind, detail: string): void {
    const failure = this.failure(kind, detail)
    this.discard()
    this.report(failure)
    this.search.onFailed(failure)
  }

  private report(failure: Failure): void {
    this.endpoint.ledger.attemptFailed(failure, ROUTE_CLASS, this.clock.now())
  }

  /** `end` may have it hear of its own end at once; the endpoint hears of it when there is nothing left to end. */
  private leave(end: () => void): void {
    const over = this.state === 'over'
    this.state = 'over'
    this.breakOff()
    end()
    if (!over) this.endpoint.remove(this)
  }

  private failure(kind: FailureKind, detail: string): Failure {
    // What we ourselves ran out of is nobody's fault.
    const blame = kind === 'aborted' ? 'proxy' : 'upstream'
    return { phase: this.phase, blame, connection: 'fresh', kind, detail, status: 0 }
  }

  private get phase(): FailurePhase {
    if (this.state === 'connecting') return 'connecting'
    if (this.state === 'quiet') return 'unsent'
    return this.heard ? 'streaming' : 'awaiting-head'
  }
}
