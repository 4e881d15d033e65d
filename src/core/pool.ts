/** One pool as a value: who is active, why, and what is known of each upstream. Changed by `transition` alone. */
import type { Damping } from './damping.ts'
import { calm } from './damping.ts'
import type { Epoch } from './epoch.ts'
import { epoch } from './epoch.ts'
import type { Ineligible } from './selection.ts'
import type { Millis } from './time.ts'
import type { AdminState, Upstream, UpstreamId } from './upstream.ts'

/** `drain` belongs to planned switches only; `verify` waits for a probe of the new active to pass. */
export type SwitchStep = 'drain' | 'fence' | 'promote' | 'verify'

export type SwitchCause = 'failover' | 'switchover' | 'failback' | 'recovery'

export type PoolPhase =
  | Readonly<{ phase: 'serving'; active: UpstreamId; since: Millis }>
  | Readonly<{
      phase: 'switching'
      /** Still the active; null when there was none. */
      from: UpstreamId | null
      /** Who served last, and may think that it still does: the one to be cut off and fenced. */
      last: UpstreamId
      to: UpstreamId
      step: SwitchStep
      cause: SwitchCause
      pinned: boolean
      reason: string
      by: string
      unfit: Ineligible | null
      since: Millis
      deadline: Millis
      activeSince: Millis
    }>
  | Readonly<{
      phase: 'unavailable'
      since: Millis
      notBefore: Millis
      /** A restart interrupted the switch to it: its hooks may have run already, so it is the one to go on with. */
      resume: UpstreamId | null
    }>

/** Why the active is the active. `pinned`: an operator chose it, so automatic failback leaves it alone. */
export type Decision = Readonly<{
  cause: 'start' | 'restored' | 'unavailable' | SwitchCause
  at: Millis
  from: UpstreamId | null
  to: UpstreamId | null
  reason: string
  by: string
  pinned: boolean
}>

/** The active is unfit and stays all the same: why it is unfit, and what keeps it. */
export type Attention = Readonly<{
  unfit: Ineligible
  keptBecause: 'no-candidate' | 'paused' | 'manual' | 'observe' | 'traffic-fine' | 'chosen'
}>

/** Under way back to a preferred upstream: the stage it is in, and when the next one is due. */
export type Trial = Readonly<{ to: UpstreamId; stage: number; until: Millis }>

/** In mode observe: whom automatic mode would have active, where that is somebody else than the active. */
export type Observed = Readonly<{ active: UpstreamId | null; since: Millis; decision: Decision }>

export type PoolState = PoolPhase &
  Readonly<{
    pool: string
    epoch: Epoch
    automation: 'on' | 'paused'
    upstreams: readonly Upstream[]
    decision: Decision
    damping: Damping
    attention: Attention | null
    observed: Observed | null
    trial: Trial | null
    /** Rule R7: when the active was probed last, its real traffic was fine, whatever the probe said. */
    trafficFine: boolean
  }>

/**
 * What a restart brings back. `last`: who served before a time without any active, if that is how it ended. `resume`: the
 * new active of a switch that had cut the old one off and was not finished.
 */
export type Restored = Readonly<{
  active: UpstreamId | null
  last: UpstreamId | null
  resume: UpstreamId | null
  epoch: Epoch
  pinned: boolean
  paused: boolean
  admin: ReadonlyMap<UpstreamId, AdminState>
}>

/** The state at start: the restored decision if its upstream is still configured, else the most preferred upstream. */
export function newPool(
  pool: string,
  configured: readonly [Upstream, ...Upstream[]],
  restored: Restored | null,
  now: Millis,
): PoolState {
  const known = (id: UpstreamId | null | undefined): UpstreamId | null =>
    configured.find((upstream) => upstream.id === id)?.id ?? null
  const kept = known(restored?.active)
  const last = restored?.active === null ? known(restored.last) : null
  const active = kept ?? configured[0].id
  const changed = restored !== null && kept === null && last === null
  const facts = {
    pool,
    // The epoch is an assignment of active: another active than the one on record is a new assignment.
    epoch: epoch((restored?.epoch ?? 1) + Number(changed)),
    automation: restored?.paused ? 'paused' : 'on',
    upstreams: configured.map((upstream) => withAdmin(upstream, restored?.admin.get(upstream.id), now)),
    damping: calm(now),
    attention: null,
    observed: null,
    trial: null,
    trafficFine: false,
  } as const
  if (last !== null) return { ...facts, ...vacant(last, known(restored?.resume), now) }
  const decision: Decision = {
    cause: kept ? 'restored' : 'start',
    at: now,
    from: null,
    to: active,
    reason: kept ? 'the last decision before the restart' : 'preferred by the configuration',
    by: 'understudy',
    pinned: kept !== null && restored?.pinned === true,
  }
  return { ...facts, phase: 'serving', active, since: now, decision }
}

/** Nobody was active before the restart, so whoever becomes active takes over from the one that served last. */
function vacant(last: UpstreamId, resume: UpstreamId | null, now: Millis) {
  const reason = resume ? `the switch to ${resume} was not finished` : 'nobody was active before the restart'
  const decision = {
    cause: 'unavailable',
    at: now,
    from: last,
    to: null,
    reason,
    by: 'understudy',
    pinned: false,
  } as const
  return { phase: 'unavailable', since: now, notBefore: now, resume, decision } as const
}

function withAdmin(upstream: Upstream, state: AdminState | undefined, since: Millis): Upstream {
  return state === undefined ? upstream : { ...upstream, admin: { state, since } }
}

/** During a switch the old active still is the active: nothing has been published that says otherwise. */
export function activeOf(state: PoolState): UpstreamId | null {
  switch (state.phase) {
    case 'serving':
      return state.active
    case 'switching':
      return state.from
    case 'unavailable':
      return null
  }
}

/** An operator forced the failover to it although it was unfit already: nothing new speaks against it. */
export function chosenUnfit(state: PoolState, unfit: Ineligible): boolean {
  const { cause, pinned, at } = state.decision
  return cause === 'failover' && pinned && unfit.since <= at
}

export function withUpstream(state: PoolState, id: UpstreamId, change: (upstream: Upstream) => Upstream): PoolState {
  return { ...state, upstreams: state.upstreams.map((upstream) => (upstream.id === id ? change(upstream) : upstream)) }
}
