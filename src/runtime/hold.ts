/**
 * Requests that cannot be sent now but will be in a moment: they wait for a route, or for a connection to whom the route
 * names. Bounded in number, bytes and time: past a bound the request is refused, never the process endangered. First
 * come, first served.
 */
import type { Allowance } from '../core/allowance.ts'
import { OwnAllowance } from '../core/allowance.ts'
import type { Route } from '../core/route.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'

export interface Waiter {
  /** Bytes kept in memory for it. */
  readonly heldBytes: number
  /** Takes the route, or goes on waiting (false): having lined up for a connection, where that is all it lacks. */
  offer(route: Route): boolean
  expire(): void
}

export type HoldLimits = Readonly<{ requests: number; bytes: number; time: number }>

/** How much may wait at the same time. Others may share in it. */
export type HoldRoom = Readonly<{ requests: Allowance; bytes: Allowance }>

/** `upstream`: whose connection it waits for; null: it waits for a route. */
type Entry = { readonly waiter: Waiter; readonly bytes: number; readonly until: Millis; upstream: UpstreamId | null }

export class Hold {
  /** How long each may wait, ms. */
  readonly time: number
  private readonly room: HoldRoom
  private readonly clock: Clock
  /** In order of arrival, which is the order of expiry too: every wait is equally long. */
  private readonly entries = new Map<Waiter, Entry>()
  /** Those who wait for a connection, by upstream: a free one is for the first, and nobody else has to look. */
  private readonly lines = new Map<UpstreamId, Set<Waiter>>()
  private timer: Cancel | null = null

  constructor(limits: HoldLimits, clock: Clock, room = roomOf(limits)) {
    this.time = limits.time
    this.room = room
    this.clock = clock
  }

  get size(): number {
    return this.entries.size
  }

  /** False when there is no room. */
  enter(waiter: Waiter): boolean {
    const bytes = waiter.heldBytes
    if (!this.takeRoom(bytes)) return false
    this.entries.set(waiter, { waiter, bytes, until: ms(this.clock.now() + this.time), upstream: null })
    this.arm()
    return true
  }

  leave(waiter: Waiter): void {
    const entry = this.entries.get(waiter)
    if (!entry) return
    this.entries.delete(waiter)
    this.room.requests.giveBack(1)
    this.room.bytes.giveBack(entry.bytes)
    this.leaveLine(entry)
  }

  private leaveLine({ waiter, upstream }: Entry): void {
    if (upstream !== null) this.lines.get(upstream)?.delete(waiter)
  }

  /** From now on it waits for a connection to that upstream, behind those who do already; null: for a route. */
  lineUp(waiter: Waiter, upstream: UpstreamId | null): void {
    const entry = this.entries.get(waiter)
    if (!entry) return
    if (entry.upstream !== upstream) this.leaveLine(entry)
    entry.upstream = upstream
    if (upstream === null) return
    const line = this.lines.get(upstream)
    if (line) line.add(waiter)
    else this.lines.set(upstream, new Set([waiter]))
  }

  /** Whether a free connection to it would be this one's: nobody waits for one, or nobody before it. Null: a newcomer's. */
  isTurnOf(waiter: Waiter | null, upstream: UpstreamId): boolean {
    if (this.entries.size === 0) return true
    const first = this.lines.get(upstream)?.values().next().value
    return first === undefined || first === waiter
  }

  /** A connection to it is free, or may be opened. Not from within the connection that has just become so. */
  connectionFreed(upstream: UpstreamId, pool: Readonly<{ route: Route }>): void {
    if (!this.isTurnOf(null, upstream)) queueMicrotask(() => this.offerConnection(upstream, pool.route))
  }

  /** Connections to it may be free: whoever waits for one goes on, as far as they last. */
  offerConnection(upstream: UpstreamId, route: Route): void {
    const line = this.lines.get(upstream)
    for (const waiter of line ?? []) {
      if (waiter.offer(route)) this.leave(waiter)
      // It goes on waiting for one. Else it was for another route, and the next one's turn has come.
      else if (line?.has(waiter)) return
    }
  }

  /** A new route is out: whoever can use it goes on. The others line up anew, in order of arrival. */
  offer(route: Route): void {
    this.lines.clear()
    for (const waiter of [...this.entries.keys()]) {
      // A waiter that goes on may make another one leave, by closing a connection they share.
      if (this.entries.has(waiter) && waiter.offer(route)) this.leave(waiter)
    }
  }

  expireAll(): void {
    for (const waiter of [...this.entries.keys()]) this.expire(waiter)
    this.timer?.()
    this.timer = null
  }

  private takeRoom(bytes: number): boolean {
    const { room } = this
    if (!room.requests.take(1)) return false
    if (room.bytes.take(bytes)) return true
    room.requests.giveBack(1)
    return false
  }

  private expire(waiter: Waiter): void {
    this.leave(waiter)
    waiter.expire()
  }

  private arm(): void {
    if (this.timer) return
    const first = this.entries.values().next().value
    if (!first) return
    this.timer = this.clock.after(first.until - this.clock.now(), () => {
      this.timer = null
      const now = this.clock.now()
      for (const { waiter, until } of [...this.entries.values()]) {
        if (until > now) break
        this.expire(waiter)
      }
      this.arm()
    })
  }
}

const roomOf = ({ requests, bytes }: HoldLimits): HoldRoom => ({
  requests: new OwnAllowance(requests),
  bytes: new OwnAllowance(bytes),
})
