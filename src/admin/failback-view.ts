/** When the pool returns to its preferred upstream, or what it waits for. Says in words what `core/failback` decides. */
import { isSuppressed } from '../core/damping.ts'
import { planFailback } from '../core/failback.ts'
import type { PoolPolicy } from '../core/policy.ts'
import type { PoolState } from '../core/pool.ts'
import { activeOf } from '../core/pool.ts'
import { describeIneligible, fitSince, ineligible } from '../core/selection.ts'
import type { Millis } from '../core/time.ts'
import { shareOf } from '../core/trial.ts'
import type { Upstream } from '../core/upstream.ts'
import { isoTime } from '../runtime/clock.ts'
import { timeLeft } from './words.ts'

export type FailbackView = Readonly<{
  mode: PoolPolicy['failback']['mode']
  due: boolean
  to: string | null
  at: string | null
  why: string
}>

export function failbackView(state: PoolState, policy: PoolPolicy, now: Millis): FailbackView {
  const { mode } = policy.failback
  const target = preferred(state)
  if (!target) {
    const why = activeOf(state) === null ? 'nobody is active' : 'the most preferred upstream is active'
    return { mode, due: false, to: null, at: null, why }
  }
  const plan = planFailback(state, policy, now)
  if (plan.due) return { mode, due: true, to: plan.to.id, at: isoTime(now), why: underWay(state, plan.to) }
  const at = plan.lookAgain === null ? null : isoTime(plan.lookAgain)
  return { mode, due: false, to: target.id, at, why: whyNotYet(state, policy, target, now) }
}

function underWay({ trial }: PoolState, { id }: Upstream): string {
  const share = shareOf(trial)
  return share > 0 ? `${id} is tried with ${share * 100} % of the safe requests` : `${id} has been fit long enough`
}

/** Whom the pool would return to: the most preferred that is fit, else the most preferred. */
function preferred(state: PoolState): Upstream | null {
  const active = state.upstreams.find(({ id }) => id === activeOf(state))
  if (!active) return null
  const better = state.upstreams.filter(({ priority }) => priority < active.priority)
  return (
    better.find(({ health, admin }) => health.status === 'healthy' && admin.state === 'enabled') ?? better[0] ?? null
  )
}

/** In the order in which the core asks. */
function whyNotYet(state: PoolState, policy: PoolPolicy, target: Upstream, now: Millis): string {
  const { mode, after } = policy.failback
  if (mode !== 'automatic')
    return `failback is ${mode === 'manual' ? 'manual: use the failback command' : 'turned off'}`
  if (policy.failover === 'observe') return 'this pool only observes'
  if (state.automation === 'paused') return 'automation is paused'
  if (state.phase !== 'serving') return 'a switch is under way'
  if (state.decision.pinned) return `${state.decision.by} chose ${activeOf(state)}; use the failback command to return`
  const unfit = ineligible(target, now)
  if (unfit) return `${target.id} is ${describeIneligible(unfit)}`
  const dueAt = fitSince(target) + after
  if (now < dueAt) return `${target.id} must stay fit for another ${timeLeft(dueAt as Millis, now)}`
  if (isSuppressed(state.damping, now) && state.damping.suppressedUntil !== null) {
    return `too many failovers lately: suppressed for another ${timeLeft(state.damping.suppressedUntil, now)}`
  }
  return `${target.id} must pass more probes in a row (${target.health.streak} so far)`
}
