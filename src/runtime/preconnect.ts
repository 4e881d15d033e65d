/** Connections opened to an upstream that is about to become active, so that its first requests do not wait for them. */
import type { UpstreamLedger } from './ledger.ts'

/** A failover to a cold upstream opens as many at once and more; a planned switch has no need to. */
const MOST = 64

/** As many as `busy` has, and `waiting` requests need. `done` comes once each is open or has failed, which may be at once. */
export function preconnect(to: UpstreamLedger, busy: UpstreamLedger | null, waiting: number, done: () => void): void {
  const count = Math.min(MOST, Math.max(1, busy?.connections.open ?? 0, waiting))
  let pending = to.traffic.length
  if (pending === 0) return done()
  // Where several share the traffic, each gets its part of it.
  const each = Math.ceil(count / pending)
  for (const traffic of to.traffic) {
    traffic.preconnect(each, () => {
      if (--pending === 0) done()
    })
  }
}
