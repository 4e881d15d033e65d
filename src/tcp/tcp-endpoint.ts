/** One upstream as TCP uses it: attempts to connect, established sessions, its ledger; ends them when the pool says so. */
import type { Millis } from '../core/time.ts'
import type { Waiter } from '../runtime/hold.ts'
import type { TrafficControl, UpstreamLedger } from '../runtime/ledger.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'
import type { ConnectTo } from '../wire/connect-to.ts'
import type { ConnectionAllowance } from '../wire/connection-allowance.ts'
import { Roster } from '../wire/roster.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { TcpAttempt } from './tcp-attempt.ts'

/** `proxyProtocol`: the version of the header that tells it who the client is. `allowance`: for the connections of sessions. */
export type TcpUpstream = Readonly<{
  to: ConnectTo
  proxyProtocol: 'off' | 'v1' | 'v2'
  allowance: ConnectionAllowance
}>

export class TcpEndpoint implements TrafficControl {
  readonly ledger: UpstreamLedger
  readonly upstream: TcpUpstream
  private readonly connecting = new Roster<'connectingAt', TcpAttempt>('connectingAt')
  private readonly established = new Roster<'establishedAt', TcpAttempt>('establishedAt')
  private readonly runtime: TrafficPool
  private readonly sweeper: Sweeper
  private readonly random: () => number

  constructor(
    ledger: UpstreamLedger,
    upstream: TcpUpstream,
    setup: Readonly<{ runtime: TrafficPool; sweeper: Sweeper; random: () => number }>,
  ) {
    this.ledger = ledger
    this.upstream = upstream
    this.runtime = setup.runtime
    this.sweeper = setup.sweeper
    this.random = setup.random
    upstream.allowance.listen(() => this.runtime.hold.connectionFreed(ledger.id, this.runtime))
    ledger.traffic.push(this)
  }

  get connections(): number {
    return this.connecting.size + this.established.size
  }

  get maxConnections(): number | null {
    return this.upstream.allowance.max
  }

  /** A session's connection is its own: the upstream may speak first, and its header names the client. None is opened ahead. */
  preconnect(_count: number, done: () => void): void {
    done()
  }

  /** A place for one more connection. False: all are taken, or others wait for one who came before `waiter`. */
  admits(waiter: Waiter): boolean {
    return this.runtime.hold.isTurnOf(waiter, this.ledger.id) && this.upstream.allowance.take()
  }

  addConnecting(attempt: TcpAttempt): void {
    this.connecting.add(attempt)
    this.ledger.attemptStarted()
  }

  addEstablished(attempt: TcpAttempt): void {
    this.established.add(attempt)
    this.ledger.tunnelOpened()
    this.ledger.sessionTaken(this.sweeper.clock.now())
    // Last: with nothing connecting any more, a switch that waited for that goes on, and may end this very session.
    this.removeConnecting(attempt)
  }

  /** Its connection is closed, and its place another's. */
  remove(attempt: TcpAttempt): void {
    if (this.established.remove(attempt)) this.ledger.tunnelClosed()
    this.removeConnecting(attempt)
    this.upstream.allowance.giveBack()
  }

  private removeConnecting(attempt: TcpAttempt): void {
    if (this.connecting.remove(attempt)) this.ledger.attemptEnded()
  }

  /**
   * The first byte of a session. It proves that somebody is there, and no more than that: whether a protocol that we do
   * not speak says yes or no is for the probes to find out, so it never counts as traffic that is fine (rule R7).
   */
  answered(now: Millis): void {
    this.ledger.answerBegan(now)
  }

  abandonWaiting(detail: string): void {
    this.connecting.each((attempt) => attempt.abandon(detail))
    this.established.each((attempt) => attempt.abandon(detail))
  }

  closeRequests(): void {
    this.connecting.each((attempt) => attempt.abort())
  }

  closeTunnels(spread: number): void {
    this.established.each((attempt) => {
      // A session that has heard nothing has nothing to finish, and its client nothing to lose by coming back at once.
      if (spread === 0 || !attempt.heard) attempt.cut()
      else this.sweeper.clock.after(this.random() * spread, () => attempt.cut())
    })
  }
}
