/** The return to a preferred upstream: when it is due, or when to look again. */
import { isSuppressed } from './damping.ts'
import type { PoolPolicy } from './policy.ts'
import type { PoolState } from './pool.ts'
import { activeOf } from './pool.ts'
import { bestCandidate, fitSince } from './selection.ts'
import type { Millis } from './time.ts'
import { ms } from './time.ts'
import type { Upstream } from './upstream.ts'

/** Each on a fresh socket. A timer alone would trust an upstream that answered once. */
const PROBES_IN_A_ROW = 10

export type FailbackPlan =
  | Readonly<{ due: true; to: Upstream }>
  /** `lookAgain` null: only a new fact (a probe, a command) can make it due. */
  | Readonly<{ due: false; lookAgain: Millis | null }>

const NOT_DUE: FailbackPlan = { due: false, lookAgain: null }

export function planFailback(state: PoolState, policy: PoolPolicy, now: Millis): FailbackPlan {
  if (policy.failback.mode !== 'automatic' || state.automation === 'paused' || state.phase !== 'serving') return NOT_DUE
  if (policy.failover === 'observe') return NOT_DUE
  // An operator's own choice stands until the operator, or a failure, changes it.
  if (state.decision.pinned) return NOT_DUE
  const preferred = preferredOver(state, now)
  if (preferred?.health.last !== 'pass' || preferred.health.streak < PROBES_IN_A_ROW) return NOT_DUE
  const dueAt = ms(fitSince(preferred) + policy.failback.after)
  if (now < dueAt) return { due: false, lookAgain: dueAt }
  if (isSuppressed(state.damping, now)) return { due: false, lookAgain: state.damping.suppressedUntil }
  return { due: true, to: preferred }
}

/** The most preferred upstream that could take over from the active and outranks it. */
function preferredOver(state: PoolState, now: Millis): Upstream | null {
  const active = state.upstreams.find((upstream) => upstream.id === activeOf(state))
  const better = state.upstreams.filter((upstream) => active && upstream.priority < active.priority)
  return bestCandidate(better, now, null)
}
