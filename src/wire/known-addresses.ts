/**
 * What is known of the way to a host: its addresses, best first, and how long it takes to connect. Whoever connects asks
 * here, and looks nothing up; who learns the addresses is another's business (`resolver.ts`).
 */
import type { Cancel } from '../core/time.ts'
import { interleaved, sameAddresses } from './addresses.ts'

/** Null: there are addresses now. Else they cannot be found. */
type Waiter = (problem: NodeJS.ErrnoException | null) => void

/** Between two attempts to connect, ms. Upstreams are near: what has not come through by then is probably lost. */
const SHORTEST_PATIENCE = 50
/** By then the kernel sends a lost SYN again: what took longer tells of losses, and nothing of the distance (RFC 6298 §3). */
const LONGEST_PATIENCE = 1_000
/** Of a connect that took longer than usual, this part is believed at once; of one that was faster all of it. */
const BELIEVED = 1 / 8

export class KnownAddresses {
  /** In which to try them. Empty: nobody knows yet. */
  order: readonly string[] = []
  private problem: NodeJS.ErrnoException | null = null
  private readonly waiting = new Set<Waiter>()
  /** How long a connect takes, ms. */
  private usual = 0

  /** A host that is called by its address. */
  static of(address: string): KnownAddresses {
    const known = new KnownAddresses()
    known.learn([address])
    return known
  }

  includes(address: string): boolean {
    return this.order.includes(address)
  }

  /** How long an attempt to connect is left alone. Far upstreams would otherwise see every connection twice. */
  get patience(): number {
    return Math.min(LONGEST_PATIENCE, Math.max(SHORTEST_PATIENCE, 2 * this.usual))
  }

  /** Calls once, and not at once. For as long as there are none. */
  whenKnown(tell: Waiter): Cancel {
    const { problem, waiting } = this
    waiting.add(tell)
    // The last look-up has failed. Another will follow, but nobody knows when that will help.
    if (problem !== null) queueMicrotask(() => (waiting.delete(tell) ? tell(problem) : undefined))
    return () => waiting.delete(tell)
  }

  // ---- from the resolver -----------------------------------------------------------------------------------------

  /** Returns whether they are others than before. */
  learn(addresses: readonly string[]): boolean {
    const before = this.order
    this.order = interleaved(addresses)
    this.problem = null
    this.tell(null)
    return !sameAddresses(before, this.order)
  }

  /** Whoever knows addresses goes on with them. */
  unresolved(problem: NodeJS.ErrnoException): void {
    if (this.order.length > 0) return
    this.problem = problem
    this.tell(problem)
  }

  private tell(problem: NodeJS.ErrnoException | null): void {
    const told = [...this.waiting]
    this.waiting.clear()
    for (const tell of told) tell(problem)
  }

  // ---- from connections ------------------------------------------------------------------------------------------

  /** The next one begins with what has proved good. The resolver's next answer ends that: the first may be well again. */
  connected(address: string, took: number): void {
    if (took < this.usual) this.usual = took
    else if (took < LONGEST_PATIENCE) this.usual += BELIEVED * (took - this.usual)
    if (address === this.order[0] || !this.includes(address)) return
    this.order = [address, ...this.order.filter((other) => other !== address)]
  }
}
