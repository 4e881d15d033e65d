/**
 * One simulated upstream and the network to it: how long connects and answers take, and what becomes of them while
 * something is wrong. Deals in moments only; no bytes.
 */
import type { Cancel } from '../../src/core/time.ts'
import type { FakeClock } from '../support/fake-clock.ts'
import { lognormal, type Random } from './randomness.ts'

/** What may be wrong with it. `500s`, `slow` and `truncates` leave its probes alone. */
export type Fault =
  | 'none'
  | 'stopped'
  | 'killed'
  | 'blackholed'
  | 'closes'
  | '503s'
  | '500s'
  | 'slow'
  | 'truncates'
  | 'probe-503s'

export type Reply = Readonly<{ status: number; whole: boolean }>

/** Who waits for it: an attempt of a request, or a probe. */
export interface Client {
  onConnected(): void
  onReply(reply: Reply): void
  onBroken(kind: 'refused' | 'reset'): void
}

const OK: Reply = { status: 200, whole: true }
const CUT: Reply = { status: 200, whole: false }
const BROKEN: Reply = { status: 500, whole: true }
const UNAVAILABLE: Reply = { status: 503, whole: true }

const SLOW = 3_000
/** The kernel sends a lost segment again after 200 ms, and then after twice as long each time. */
const SEGMENT_AGAIN = 200
/** Beside a connect that has not come through by then runs another one (wire/dial.ts); the kernel repeats either after 1 s. */
const SYN_BESIDE = 50
const SYN_AGAIN = 1_000
const connectTakes = lognormal(0.3, 0.3)

export class Origin {
  fault: Fault = 'none'
  /** Until then it stands still, as in a garbage collection. */
  pausedUntil = 0
  /** Share of the packets that is lost, in each direction. */
  loss = 0
  /** Share of its usual time that it takes, by target. */
  readonly pace = new Map<string, number>()
  private readonly clock: FakeClock
  private readonly random: Random
  private readonly clients = new Set<Client>()
  /** Answers that nobody gets as long as it is stopped, or cut off. */
  private readonly parked: (() => void)[] = []

  constructor(clock: FakeClock, random: Random) {
    this.clock = clock
    this.random = random
  }

  /** Takes effect at once, also for what is under way. */
  fail(fault: Fault): void {
    this.fault = fault
    for (const finish of this.parked.splice(0)) finish()
    if (fault !== 'killed' && fault !== 'closes') return
    for (const client of [...this.clients]) if (this.clients.delete(client)) client.onBroken('reset')
  }

  connect(client: Client): Cancel {
    const { fault } = this
    if (fault === 'blackholed') return () => {}
    const delay = connectTakes(this.random) + this.connectDelay()
    return this.clock.arrive(delay, () => (fault === 'killed' ? client.onBroken('refused') : client.onConnected()))
  }

  /** The whole request has been sent on a connection. `usual`: what the application needs for it, ms. */
  serve(client: Client, usual: number, reply: Reply = OK): void {
    if (this.fault === 'killed' || this.fault === 'closes') {
      this.clock.arrive(0.1, () => client.onBroken('reset'))
      return
    }
    this.clients.add(client)
    const slow = this.fault === 'slow' ? SLOW : 0
    const work = usual + slow + this.delayOf(2)
    const begins = Math.max(0, this.pausedUntil - this.clock.now())
    this.clock.arrive(begins + work, () => this.finish(client, reply))
  }

  probe(client: Client): void {
    if (this.fault === 'slow' || this.fault === 'truncates' || this.fault === '500s') return this.serveAsUsual(client)
    this.serve(client, 1, this.fault === 'probe-503s' ? UNAVAILABLE : OK)
  }

  /** Nobody waits any more. */
  forget(client: Client): void {
    this.clients.delete(client)
  }

  private serveAsUsual(client: Client): void {
    this.clients.add(client)
    this.clock.arrive(1, () => this.clients.delete(client) && client.onReply(OK))
  }

  private finish(client: Client, reply: Reply): void {
    const { clients, fault, clock, pausedUntil } = this
    if (!clients.has(client)) return
    if (fault === 'stopped' || fault === 'blackholed') {
      this.parked.push(() => this.finish(client, reply))
      return
    }
    if (clock.now() < pausedUntil) {
      // One after the other, once it goes on.
      clock.arrive(pausedUntil - clock.now() + 0.5 * this.random(), () => this.finish(client, reply))
      return
    }
    clients.delete(client)
    client.onReply(this.asOfNow(reply))
  }

  private asOfNow(reply: Reply): Reply {
    if (this.fault === '503s') return UNAVAILABLE
    if (this.fault === '500s') return BROKEN
    return this.fault === 'truncates' ? CUT : reply
  }

  private connectDelay(): number {
    if (!this.losesHandshake()) return 0
    return this.losesHandshake() ? SYN_AGAIN : SYN_BESIDE
  }

  /** One of its two packets. */
  private losesHandshake(): boolean {
    return this.loss > 0 && this.random() < 1 - (1 - this.loss) ** 2
  }

  private delayOf(packets: number): number {
    if (this.loss === 0) return 0
    let delay = 0
    for (let packet = 0; packet < packets; packet++) {
      for (let wait = SEGMENT_AGAIN; this.random() < this.loss; wait *= 2) delay += wait
    }
    return delay
  }
}
