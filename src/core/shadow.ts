/**
 * Mode observe: the decisions that automatic mode would have taken on the same facts. They are told, each once, and
 * nothing moves. The imagined pool follows them, so that what comes after the first one is told as it would have come.
 */
import { penalise } from './damping.ts'
import type { Effect, Notice } from './events.ts'
import { nextWake, verdictOn } from './planner.ts'
import type { PoolPolicy } from './policy.ts'
import type { Decision, PoolState } from './pool.ts'
import { activeOf } from './pool.ts'
import type { Step, SwitchOrder } from './switching.ts'
import { facts, ruleOf } from './switching.ts'
import type { Millis } from './time.ts'
import type { UpstreamId } from './upstream.ts'

const BY = 'understudy'

export function observe(state: PoolState, policy: PoolPolicy, now: Millis): Step {
  if (policy.failover !== 'observe' || state.phase !== 'serving') return { state, effects: [] }
  const verdict = verdictOn(imagined(state), automatic(state, policy), now)
  switch (verdict.type) {
    case 'stay':
      return { state, effects: [] }
    case 'move':
      return record(state, decided(state, verdict.order, now), told(state, policy, verdict.order))
    case 'vacate': {
      const { reason } = verdict
      const from = imaginedActive(state)
      const decision = { cause: 'unavailable', at: now, from, to: null, reason, by: BY, pinned: false } as const
      return record(state, decision, {
        type: 'would-failover',
        text: `it would be without an active: ${reason}`,
        rule: null,
      })
    }
  }
}

/** When time alone would make a difference, to the pool or to the imagined one. */
export function nextLook(state: PoolState, policy: PoolPolicy, now: Millis): Millis | null {
  const wake = nextWake(state, policy, now)
  if (policy.failover !== 'observe' || state.phase !== 'serving') return wake
  const other = nextWake(imagined(state), automatic(state, policy), now)
  return wake === null || (other !== null && other < wake) ? other : wake
}

const imaginedActive = (state: PoolState): UpstreamId | null =>
  state.observed ? state.observed.active : activeOf(state)

/** The pool as it would be by now. */
function imagined(state: PoolState): PoolState {
  if (!state.observed) return state
  const { active, since, decision } = state.observed
  // Traffic that is fine is fine on the real active, and says nothing of the imagined one.
  const known = { ...facts(state), decision, attention: null, trafficFine: false }
  if (active === null) return { ...known, phase: 'unavailable', since, notBefore: since, resume: null }
  return { ...known, phase: 'serving', active, since }
}

/** Where the return is an operator's to decide, the imagined one decides at once: else the first failover were the last. */
function automatic(state: PoolState, policy: PoolPolicy): PoolPolicy {
  const failback = state.observed ? ({ ...policy.failback, mode: 'automatic' } as const) : policy.failback
  return { ...policy, failover: 'automatic', failback }
}

function decided(state: PoolState, { to, cause, reason, by }: SwitchOrder, now: Millis): Decision {
  return { cause, at: now, from: imaginedActive(state), to, reason, by, pinned: false }
}

type Told = Pick<Notice, 'type' | 'text'> & Readonly<{ rule: ReturnType<typeof ruleOf> }>

function told(state: PoolState, policy: PoolPolicy, { to, cause, reason, unfit }: SwitchOrder): Told {
  const rule = ruleOf(unfit)
  const from = imaginedActive(state)
  if (cause === 'failback') {
    const who = policy.failback.mode === 'automatic' ? 'it would have' : 'an operator could have'
    return { type: 'would-failback', text: `${who} returned from ${from} to ${to}: ${reason}`, rule }
  }
  if (from !== null) {
    return { type: 'would-failover', text: `it would have failed over from ${from} to ${to}: ${reason}`, rule }
  }
  const type = to === activeOf(state) ? 'would-failback' : 'would-failover'
  return { type, text: `${to} would have become active: ${reason}`, rule }
}

function record(state: PoolState, decision: Decision, { type, text, rule }: Told): Step {
  const { at, from, to, by, cause } = decision
  const notice: Notice = {
    type,
    at,
    pool: state.pool,
    epoch: state.epoch,
    from,
    to,
    text,
    by,
    ...(rule ? { rule } : {}),
  }
  const effects: Effect[] = [{ type: 'announce', notice }]
  const observed = to === activeOf(state) ? null : { active: to, since: at, decision }
  const damping = cause === 'failover' ? penalise(state.damping, at) : state.damping
  return { state: { ...state, observed, damping }, effects }
}
