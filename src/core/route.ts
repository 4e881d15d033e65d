/** The frozen view that traffic reads: one property read per request, replaced as a whole, never mutated. */
import type { Epoch } from './epoch.ts'
import type { PoolPolicy } from './policy.ts'
import type { PoolState } from './pool.ts'
import { activeOf } from './pool.ts'
import { bestCandidate } from './selection.ts'
import type { Millis } from './time.ts'
import { shareOf } from './trial.ts'
import type { UpstreamId } from './upstream.ts'

export type Route = Readonly<{
  epoch: Epoch
  active: UpstreamId | null
  /** Where one failed request may be sent again before any verdict on the active has fallen. */
  fallback: UpstreamId | null
  /** `hold`: a decision is under way; keep requests waiting (bounded) instead of failing them. */
  gate: 'open' | 'hold'
  /** Whether the route may change by itself, so that waiting for it makes sense. */
  automatic: boolean
  /** An upstream that is tried before a failback, with this share of the requests that may be sent again. */
  trial: Readonly<{ upstream: UpstreamId; share: number }> | null
}>

export function routeOf(state: PoolState, policy: PoolPolicy, now: Millis): Route {
  const active = activeOf(state)
  const automatic = state.automation === 'on' && policy.failover === 'automatic'
  // With a single writer, or with automation off, sending a request to the standby would be the very decision that is not ours.
  const mayReplay = automatic && policy.kind === 'stateless' && state.phase === 'serving'
  const fallback = mayReplay ? (bestCandidate(state.upstreams, now, active)?.id ?? null) : null
  return Object.freeze({
    epoch: state.epoch,
    active,
    fallback,
    gate: state.phase === 'serving' ? 'open' : 'hold',
    automatic,
    trial: trialOf(state),
  })
}

function trialOf({ trial }: PoolState): Route['trial'] {
  const share = shareOf(trial)
  return trial && share > 0 ? Object.freeze({ upstream: trial.to, share }) : null
}

/** Another upstream than the one that just failed. */
export function elsewhere({ gate, active, fallback }: Route, failed: UpstreamId | null): UpstreamId | null {
  if (gate === 'hold' || active === null) return null
  return active === failed ? fallback : active
}

export function sameRoute(a: Route, b: Route): boolean {
  return (
    a.epoch === b.epoch &&
    a.active === b.active &&
    a.fallback === b.fallback &&
    a.gate === b.gate &&
    a.automatic === b.automatic &&
    a.trial?.upstream === b.trial?.upstream &&
    a.trial?.share === b.trial?.share
  )
}
