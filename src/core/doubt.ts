/**
 * What becomes of a new request while the active is in doubt. Rescue is apart from switching: whatever is done here costs
 * nothing when the doubt proves unfounded.
 */
import type { Route } from './route.ts'
import type { UpstreamId } from './upstream.ts'

/** `hesitant`: its silence is improbable. `suspect`: rule R3 is confirming. */
export type Doubt = 'none' | 'hesitant' | 'suspect'

/**
 * Who gets it; null: it waits. An unsafe request could neither be sent twice nor be saved from a stopped upstream, so it
 * waits for the verdict. A safe one is sent where an answer is to be expected.
 */
export function assign(route: Route, doubt: Doubt, safe: boolean, standbyReads: boolean): UpstreamId | null {
  if (route.gate === 'hold') return null
  if (doubt === 'none' || route.active === null || !route.automatic) return route.active
  if (!safe) return null
  return doubt === 'suspect' && standbyReads ? (route.fallback ?? route.active) : route.active
}
