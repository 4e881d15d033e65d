/** What follows from the facts: the only place where the core decides to change the active by itself. */
import type { Effect, Notice } from './events.ts'
import { planFailback } from './failback.ts'
import type { PoolPolicy } from './policy.ts'
import type { Attention, PoolState } from './pool.ts'
import { activeOf, chosenUnfit } from './pool.ts'
import type { Ineligible } from './selection.ts'
import { answersProbes, bestCandidate, describeEach, describeIneligible, ineligible, lastResort } from './selection.ts'
import type { Step, SwitchOrder } from './switching.ts'
import { becomeUnavailable, startSwitch } from './switching.ts'
import type { Millis } from './time.ts'
import { ms } from './time.ts'
import { approach } from './trial.ts'
import type { Upstream, UpstreamId } from './upstream.ts'

const BY = 'understudy'
/** One that comes back is waited for so long, ms: what is in doubt is probed ten times a second. */
const RECOVERING = 300
/** When two have been unfit, and one comes back, the other one gets so long for a probe to pass, ms. */
const TOGETHER = 120
const stay = (state: PoolState): Step => ({ state, effects: [] })

/** What is to be done about the active. `attention`: what is to be said of one that stays. */
export type Verdict =
  | Readonly<{ type: 'stay'; attention: Attention | null }>
  | Readonly<{ type: 'move'; order: SwitchOrder }>
  | Readonly<{ type: 'vacate'; reason: string }>

export function decide(state: PoolState, policy: PoolPolicy, now: Millis): Step {
  const verdict = verdictOn(state, policy, now)
  switch (verdict.type) {
    case 'stay':
      return attend(state.trial ? { ...state, trial: null } : state, verdict.attention, now)
    case 'move':
      return move(state, verdict.order, policy, now)
    case 'vacate':
      return becomeUnavailable(state, verdict.reason, policy, now)
  }
}

/** A failback can be prepared: the active does its work meanwhile. With a single writer that work must stop first. */
function move(state: PoolState, order: SwitchOrder, policy: PoolPolicy, now: Millis): Step {
  if (order.cause !== 'failback' || policy.kind === 'singleWriter') return startSwitch(state, order, policy, now)
  const attended = attend(state, null, now)
  const step = approach(attended.state, order, policy, now)
  return { state: step.state, effects: [...attended.effects, ...step.effects] }
}

export function verdictOn(state: PoolState, policy: PoolPolicy, now: Millis): Verdict {
  if (state.phase === 'switching') return asBefore(state)
  if (state.phase === 'unavailable') return recover(state, now)
  const unfit = unfitness(state, now)
  return unfit ? replaceActive(state, unfit, policy, now) : keepActive(state, policy, now)
}

const asBefore = ({ attention }: PoolState): Verdict => ({ type: 'stay', attention })

/** Why the active should not be active. Not being probed yet is no reason to leave. */
function unfitness(state: PoolState, now: Millis): Ineligible | null {
  const active = state.upstreams.find((upstream) => upstream.id === activeOf(state))
  const why = active && ineligible(active, now)
  return !why || why.reason === 'unknown' ? null : why
}

function replaceActive(state: PoolState, unfit: Ineligible, policy: PoolPolicy, now: Millis): Verdict {
  const hands = handsOff(state, unfit, policy)
  if (hands) return { type: 'stay', attention: { unfit, keptBecause: hands } }
  const active = state.upstreams.find((upstream) => upstream.id === activeOf(state))
  const keeps = unfit.reason === 'unhealthy' || (active && answersProbes(active))
  const candidate = bestCandidate(state.upstreams, now, activeOf(state)) ?? (keeps ? null : lastResort(state.upstreams))
  // R8: both go silent, or come back, together: so it may be us, and a verdict of the probes alone is no reason to move.
  const both =
    unfit.reason === 'unhealthy' &&
    active &&
    candidate &&
    (candidate.health.last === 'fail' || comesBack(active, candidate, now))
  if (candidate && !both) {
    const reason = `${activeOf(state)} is ${describeIneligible(unfit)}`
    return { type: 'move', order: { to: candidate.id, cause: 'failover', reason, by: BY, pinned: false, unfit } }
  }
  // Probes alone never take the last upstream away (R8): it may be us, and an error page is no better. Nor does an
  // ejection take it away from the one upstream that answers: it would be chosen again at once, as the last resort.
  if (keeps) return { type: 'stay', attention: { unfit, keptBecause: 'no-candidate' } }
  return { type: 'vacate', reason: `nobody can take over: ${describeEach(state.upstreams, now)}` }
}

/** The active answers its probes again, or may do so as soon as it is asked, like the candidate that has just come back. */
function comesBack({ health }: Upstream, candidate: Upstream, now: Millis): boolean {
  if (health.passedAt !== null && health.passedAt > health.since && now - health.passedAt < RECOVERING) return true
  return candidate.health.since > health.since && now - candidate.health.since < TOGETHER
}

/** Why an unfit active must be left alone, if it must. What an operator took out is out, automation or not. */
function handsOff(state: PoolState, unfit: Ineligible, policy: PoolPolicy): Attention['keptBecause'] | null {
  if (unfit.reason === 'disabled' || unfit.reason === 'draining') return null
  if (state.automation === 'paused') return 'paused'
  if (policy.failover !== 'automatic') return policy.failover
  if (unfit.reason === 'unhealthy' && state.trafficFine) return 'traffic-fine'
  return chosenUnfit(state, unfit) ? 'chosen' : null
}

/** Why an unfit active stays, for people. */
export const KEPT: Readonly<Record<Attention['keptBecause'], string>> = {
  'no-candidate': 'no other upstream is fit',
  paused: 'automation is paused',
  manual: 'failover is manual',
  observe: 'this pool only observes',
  'traffic-fine': 'its real traffic is fine',
  chosen: 'an operator chose it, unfit as it was',
}

function attend(state: PoolState, attention: Attention | null, now: Millis): Step {
  const known = state.attention
  if (attention === null) return known === null ? stay(state) : endAttention(state, now)
  if (known?.keptBecause === attention.keptBecause && known.unfit.reason === attention.unfit.reason) return stay(state)
  const text = `${activeOf(state)} is ${describeIneligible(attention.unfit)} but stays active: ${KEPT[attention.keptBecause]}`
  return { state: { ...state, attention }, effects: [announce(state, { type: 'active-unfit', at: now, text })] }
}

function endAttention(state: PoolState, now: Millis): Step {
  const text = `${activeOf(state)} is fit again`
  return { state: { ...state, attention: null }, effects: [announce(state, { type: 'active-fit', at: now, text })] }
}

function keepActive(state: PoolState, policy: PoolPolicy, now: Millis): Verdict {
  const plan = planFailback(state, policy, now)
  if (!plan.due) return { type: 'stay', attention: null }
  const reason = `${plan.to.id} has been fit for ${policy.failback.after} ms`
  return { type: 'move', order: { to: plan.to.id, cause: 'failback', reason, by: BY, pinned: false, unfit: null } }
}

function recover(state: PoolState & { phase: 'unavailable' }, now: Millis): Verdict {
  if (state.automation === 'paused') return asBefore(state)
  if (state.resume !== null) return resume(state.resume)
  if (now < state.notBefore) return asBefore(state)
  const found = bestCandidate(state.upstreams, now, null) ?? lastResort(state.upstreams)
  if (!found) return asBefore(state)
  const reason = `${found.id} answers again (${found.health.detail})`
  return { type: 'move', order: { to: found.id, cause: 'recovery', reason, by: BY, pinned: false, unfit: null } }
}

/** Goes on with what had been decided before the restart: its hooks may have run, so no other upstream will do. */
function resume(to: UpstreamId): Verdict {
  const reason = `the switch to ${to} was interrupted by a restart`
  return { type: 'move', order: { to, cause: 'recovery', reason, by: BY, pinned: false, unfit: null } }
}

/** When time alone will make a difference. Null: only a new fact can. */
export function nextWake(state: PoolState, policy: PoolPolicy, now: Millis): Millis | null {
  const moments: Millis[] = []
  for (const { ejection, health } of state.upstreams) {
    if (ejection && ejection.until > now) moments.push(ejection.until)
    if (state.attention && now - health.since < TOGETHER) moments.push(ms(health.since + TOGETHER))
  }
  if (state.trial) moments.push(state.trial.until)
  if (state.phase === 'switching') moments.push(state.deadline)
  if (state.phase === 'unavailable' && state.notBefore > now) moments.push(state.notBefore)
  const plan = planFailback(state, policy, now)
  if (!plan.due && plan.lookAgain !== null) moments.push(plan.lookAgain)
  return moments.reduce<Millis | null>((first, at) => (first === null || at < first ? at : first), null)
}

/** Tells of upstreams whose probes changed their mind; the standby's matter most, for nobody else would notice. */
export function announceFitness(before: PoolState, after: PoolState, now: Millis): Effect[] {
  return after.upstreams.flatMap((upstream, index) => {
    const was = before.upstreams[index]
    return was && was.health.status !== upstream.health.status ? [announceHealth(after, upstream, now)] : []
  })
}

function announceHealth(state: PoolState, upstream: Upstream, now: Millis): Effect {
  const healthy = upstream.health.status === 'healthy'
  const part = upstream.id === activeOf(state) ? 'active' : upstream.role
  const text = `${part} ${upstream.id} is ${upstream.health.status}: ${upstream.health.detail}`
  return announce(state, { type: healthy ? 'upstream-fit' : 'upstream-unfit', at: now, upstream: upstream.id, text })
}

function announce(state: PoolState, notice: Omit<Notice, 'pool' | 'epoch'>): Effect {
  return { type: 'announce', notice: { pool: state.pool, epoch: state.epoch, ...notice } }
}
