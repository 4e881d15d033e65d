/** One server that we forward to: what the configuration, the operator, the probes and the traffic each say of it. */
import type { Ejection } from './ejection.ts'
import type { ProbeHealth } from './health.ts'
import { unknownHealth } from './health.ts'
import type { Millis } from './time.ts'

declare const brand: unique symbol
export type UpstreamId = string & { readonly [brand]: 'upstream' }
export const upstreamId = (name: string): UpstreamId => name as UpstreamId

export type Role = 'primary' | 'standby'
export type AdminState = 'enabled' | 'draining' | 'disabled'

/** Four facts, each with exactly one writer (in brackets). Whether it may become active is computed, never stored. */
export type Upstream = Readonly<{
  id: UpstreamId
  /** [configuration] */
  role: Role
  /** [configuration] 0 is preferred most. */
  priority: number
  /** [operator] */
  admin: Readonly<{ state: AdminState; since: Millis }>
  /** [prober] */
  health: ProbeHealth
  /** [detector] Kept after it has run out, so that "fit since" can be told. */
  ejection: Ejection | null
}>

export function newUpstream(id: UpstreamId, role: Role, priority: number, now: Millis): Upstream {
  return { id, role, priority, admin: { state: 'enabled', since: now }, health: unknownHealth(now), ejection: null }
}
