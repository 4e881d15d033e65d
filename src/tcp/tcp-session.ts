/**
 * One client connection from its arrival to its end. Connects at once, for in many protocols the server speaks first;
 * joins the two sides as soon as either has something to say, and from then on only passes on what they do.
 */
import type { Millis } from '../core/time.ts'
import type { Arrival } from '../wire/arrival.ts'
import type { ServedConnection } from '../wire/listener.ts'
import { NOWHERE } from '../wire/roster.ts'
import { Splice } from '../wire/splice.ts'
import type { Swept } from '../wire/sweeper.ts'
import type { TransportOwner } from '../wire/transport.ts'
import { Transport } from '../wire/transport.ts'
import type { SessionError } from './access-log.ts'
import { EarlyBytes } from './early-bytes.ts'
import type { SearchOwner } from './search.ts'
import { Search } from './search.ts'
import { SessionAccount } from './session-account.ts'
import type { TcpPool } from './tcp-pool.ts'

/**
 * `open`: neither side has heard anything of the other. `closing`: nothing passes between the two any more, and what was
 * said last is still on its way.
 */
type State = 'open' | 'joined' | 'closing' | 'over'

type Setup = Readonly<{ listener: string; onEnd(session: TcpSession): void }>

/** How long a client is still read from whose upstream has left: closed at once, it might lose the end to a reset. */
const LINGER = 2_000

export class TcpSession implements TransportOwner, SearchOwner, ServedConnection, Swept {
  sweptAt = NOWHERE
  servedAt = NOWHERE
  clientEnded = false
  private readonly client: Transport
  private readonly pool: TcpPool
  private readonly setup: Setup
  private readonly account: SessionAccount
  private readonly search: Search
  private readonly early = new EarlyBytes()
  private state: State = 'open'
  private splice: Splice | null = null
  private clientClosed = false
  /** To another upstream, as long as nobody would notice. Not once its listener comes to its end. */
  private mayMove = true
  private settled = false
  /** Since when nothing has moved, as far as the splice does not watch it. */
  private quietSince: Millis
  private pending = 0

  constructor(arrival: Arrival, pool: TcpPool, setup: Setup) {
    this.pool = pool
    this.setup = setup
    this.account = new SessionAccount(pool, { listener: setup.listener, client: arrival.client.address })
    this.search = new Search(this, { pool, arrival, account: this.account })
    this.quietSince = pool.clock.now()
    this.client = Transport.accept(this, arrival.socket)
    pool.sweeper.add(this)
    this.search.go()
  }

  get heldBytes(): number {
    return this.early.size
  }

  /** Connected, and neither side has said anything. */
  private get quiet(): boolean {
    return this.state === 'open' && this.search.attempt?.quiet === true
  }

  /** What is under way is all of it; as a tunnel of its upstream it may be closed later. */
  closeWhenDone(): void {
    this.mayMove = false
  }

  /** Ends it at once. */
  kill(): void {
    this.end('cut')
    this.client.reset()
  }

  // ---- the search ------------------------------------------------------------------------------------------------

  onFound(): void {
    this.quietSince = this.pool.clock.now()
    if (this.early.size > 0 || this.clientEnded) this.join()
  }

  onRefused(error: SessionError): void {
    this.end(error)
    // The client shall not mistake it for a regular end, unless it is one.
    if (error === 'upstream-closed') this.client.destroy()
    else this.client.reset()
  }

  onCut(): void {
    if (this.state === 'open' && this.mayMove && !this.search.onRoute) return this.search.move()
    this.pool.runtime.counters.lost.add('cut')
    this.kill()
  }

  // ---- both sides ------------------------------------------------------------------------------------------------

  onUpstreamBegins(): void {
    this.account.served()
    if (this.state === 'open') this.join()
  }

  private join(): void {
    const { client, pool, early } = this
    const upstream = this.search.attempt?.begin((transport) => {
      const setup = { idleFor: pool.options.idle, sweeper: pool.sweeper, onEnd: () => this.onSpliceEnd() }
      this.splice = new Splice(client, transport, setup)
      return this.splice.right
    })
    if (!upstream) return
    this.state = 'joined'
    pool.sweeper.remove(this)
    this.countIn(early.size)
    if (early.size === 0 || upstream.writeKept(early.take())) client.resume()
    else client.pause()
    if (this.clientEnded) this.splice?.left.onTunnelEnd()
  }

  private countIn(length: number): void {
    const { attempt } = this.search
    if (attempt) attempt.endpoint.ledger.counters.bytesIn += length
  }

  onUpstreamClosed(broken: boolean): void {
    if (this.search.attempt?.ended) {
      // All it had to say is on its way to the client, who must not lose it; what the client says is in vain.
      this.splice?.left.onTunnelEnd()
      this.client.resume()
    } else if (broken) {
      // Behind the client's end it is how servers leave that do not read a farewell, such as PostgreSQL's with TLS.
      if (!this.clientEnded) {
        this.pool.runtime.counters.lost.add('upstream-reset')
        this.account.error ??= 'upstream-reset'
      }
      this.client.reset()
    }
    this.settle()
  }

  /** Both have ended, or one of them has broken or fallen silent. */
  private onSpliceEnd(): void {
    if (this.splice?.idled) this.account.error ??= 'idle'
    if (this.state !== 'joined') return
    this.state = 'closing'
    this.quietSince = this.pool.clock.now()
    this.pool.sweeper.add(this)
  }

  private end(error: SessionError): void {
    this.account.error ??= error
    this.state = 'over'
    this.search.stop()
    this.settle()
  }

  private settle(): void {
    const { attempt } = this.search
    if (!this.clientClosed || this.settled || (attempt && !attempt.over)) return
    this.settled = true
    this.state = 'over'
    this.pool.sweeper.remove(this)
    this.account.settle(attempt?.bytesOut ?? 0)
    this.setup.onEnd(this)
  }

  // ---- the client ------------------------------------------------------------------------------------------------

  onConnected(): void {}

  onBytes(bytes: Buffer, length: number): void {
    this.account.bytesIn += length
    if (this.quiet) this.join()
    if (this.state === 'joined') {
      this.countIn(length)
      this.splice?.left.onTunnelBytes(bytes, length)
    } else if (this.state === 'open') {
      this.early.add(bytes, length)
      if (this.early.size >= this.pool.options.early) this.client.pause()
    }
  }

  onReadEnd(): void {
    this.clientEnded = true
    if (this.state === 'joined') this.splice?.left.onTunnelEnd()
    else if (this.quiet) this.join()
  }

  onWritable(): void {
    if (this.state === 'joined') this.splice?.left.onTunnelWritable()
  }

  onClosed(error: NodeJS.ErrnoException | null): void {
    this.clientClosed = true
    const { splice } = this
    if (!splice) return this.end('client-gone')
    const { attempt } = this.search
    if (error && attempt && !attempt.ended) this.account.error ??= 'client-gone'
    // What a client had said to the end may still arrive; a session that it broke off is broken off.
    if (error && this.clientEnded) attempt?.discard()
    else if (error) attempt?.reset()
    splice.left.onTunnelClosed()
    this.settle()
  }

  // ---- deadlines -------------------------------------------------------------------------------------------------

  sweep(now: Millis): void {
    if (this.state === 'closing') return this.linger(now)
    if (!this.quiet) return this.search.sweep(now)
    if (now - this.quietSince <= this.pool.options.idle) return
    this.end('idle')
    this.client.destroy()
  }

  private linger(now: Millis): void {
    const { attempt } = this.search
    const pending = this.client.pending + (attempt?.pending ?? 0)
    if (pending !== this.pending) {
      this.pending = pending
      this.quietSince = now
    }
    const flushed = attempt?.over !== false && this.client.pending === 0
    if (now - this.quietSince <= (flushed ? LINGER : this.pool.options.idle)) return
    if (flushed) return this.client.destroy()
    this.end('idle')
    this.client.reset()
  }
}
