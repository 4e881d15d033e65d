/**
 * How a change of active is carried out. A stateless pool moves at once and lets the old active finish. A single-writer
 * pool goes step by step, `drain → cut → fence → promote → verify`, so that two writers never serve at the same time.
 */
import { penalise, postpone } from './damping.ts'
import { stillAnswers } from './ejection.ts'
import { epoch } from './epoch.ts'
import type { Effect, Notice, NoticeType, PoolEvent, Retirement } from './events.ts'
import type { PoolPolicy } from './policy.ts'
import type { PoolPhase, PoolState, SwitchCause, SwitchStep } from './pool.ts'
import { activeOf } from './pool.ts'
import type { Ineligible } from './selection.ts'
import { bestCandidate, ineligible } from './selection.ts'
import type { Millis } from './time.ts'
import { ms } from './time.ts'
import type { UpstreamId } from './upstream.ts'

export type Step = Readonly<{ state: PoolState; effects: readonly Effect[] }>

export type SwitchOrder = Readonly<{
  to: UpstreamId
  cause: SwitchCause
  reason: string
  by: string
  pinned: boolean
  /** What is wrong with the old active; null for a planned switch between fit upstreams. */
  unfit: Ineligible | null
}>

type Switching = PoolState & Extract<PoolPhase, { phase: 'switching' }>

/** After a failed switch, the next attempt waits this long: hooks are other people's programs. */
export const RETRY_AFTER = 5_000

export function startSwitch(state: PoolState, order: SwitchOrder, policy: PoolPolicy, now: Millis): Step {
  const from = activeOf(state)
  const last = from ?? state.decision.from
  // The writer that served last may simply go on: there is nobody to be fenced off.
  if (policy.kind === 'stateless' || last === null || last === order.to) return moveNow(state, order, policy, now)
  const { to, cause } = order
  const phase = { phase: 'switching', from, last, ...order, activeSince: state.since } as const
  const switching: Switching = { ...facts(state), ...phase, step: 'drain', since: now, deadline: now }
  const text = `${cause} from ${last} to ${to} begins: ${order.reason}`
  const started = announce(switching, 'switch-started', now, { from, to, text, by: order.by })
  const planned = from !== null && cause !== 'failover'
  const step = planned ? enterStep(switching, 'drain', policy, now) : cutAndGoOn(switching, policy, now)
  return { state: step.state, effects: [started, ...step.effects] }
}

/** Moves at once. Whoever was active last, before a time without any active too, comes to its end. */
function moveNow(state: PoolState, order: SwitchOrder, policy: PoolPolicy, now: Millis): Step {
  const { state: moved, effects } = moveTo(state, order, now)
  const last = activeOf(state) ?? state.decision.from
  if (last === null || last === order.to) return { state: moved, effects }
  return {
    state: moved,
    effects: [...effects, { type: 'retire', upstream: last, retirement: retirement(endOf(order), policy, now) }],
  }
}

/** The move itself: one assignment, one epoch. */
function moveTo(state: PoolState, order: SwitchOrder, now: Millis): Step {
  const from = activeOf(state)
  const { to, cause, reason, by, pinned } = order
  const next: PoolState = {
    ...facts(state),
    phase: 'serving',
    active: to,
    since: now,
    epoch: epoch(state.epoch + 1),
    decision: { cause, at: now, from, to, reason, by, pinned },
    damping: cause === 'failover' ? penalise(state.damping, now) : state.damping,
    attention: null,
    trafficFine: false,
  }
  const type = cause === 'recovery' ? 'recovered' : cause
  const rule = ruleOf(order.unfit)
  const text = from ? `${cause} from ${from} to ${to}: ${reason}` : `${to} is active: ${reason}`
  return { state: next, effects: [announce(next, type, now, { from, to, text, by, ...(rule ? { rule } : {}) })] }
}

/** Nobody is active. With a single writer the old active is cut off, for whoever comes next is published without it. */
export function becomeUnavailable(state: PoolState, reason: string, policy: PoolPolicy, now: Millis): Step {
  const step = vacate(state, reason, { now, notBefore: now })
  const from = activeOf(state)
  const cut: Effect[] = policy.kind === 'singleWriter' && from ? [{ type: 'cut', upstream: from }] : []
  return { state: step.state, effects: [...step.effects, ...cut] }
}

function vacate(state: PoolState, reason: string, when: Readonly<{ now: Millis; notBefore: Millis }>): Step {
  const from = activeOf(state)
  const by = 'understudy'
  const { now, notBefore } = when
  const next: PoolState = {
    ...facts(state),
    phase: 'unavailable',
    since: now,
    notBefore,
    resume: null,
    epoch: epoch(state.epoch + 1),
    decision: { cause: 'unavailable', at: now, from, to: null, reason, by, pinned: false },
    attention: null,
    trafficFine: false,
  }
  return { state: next, effects: [announce(next, 'unavailable', now, { from, to: null, text: reason, by })] }
}

/** The part of a state that outlives its phase. */
export function facts(state: PoolState) {
  const { pool, epoch: number, automation, upstreams, decision, damping, attention, trafficFine } = state
  return {
    pool,
    epoch: number,
    automation,
    upstreams,
    decision,
    damping,
    attention,
    trafficFine,
    observed: null,
    trial: null,
  }
}

/** Steps of a switch under way: each ends by its event, or by its deadline. */
export function advanceSwitch(state: PoolState, event: PoolEvent, policy: PoolPolicy): Step {
  if (state.phase !== 'switching') return { state, effects: [] }
  const { at } = event
  const outcome = stepOutcome(state, event)
  if (outcome === 'waiting') return { state, effects: [] }
  if (outcome !== 'done') return failSwitch(state, outcome.failed, at)
  if (state.step === 'drain') return cutAndGoOn(state, policy, at)
  if (state.step === 'verify') return moveTo(state, state, at)
  return enterStep(state, stepAfter(state.step, policy), policy, at)
}

function stepOutcome(state: Switching, event: PoolEvent): 'waiting' | 'done' | { failed: string } {
  const { step, to, epoch: current } = state
  if (event.type === 'drained' && step === 'drain' && event.epoch === current) return 'done'
  if (event.type === 'hook-finished' && event.hook === step && event.epoch === current) {
    return event.ok ? 'done' : { failed: `the ${step} hook failed: ${event.detail}` }
  }
  if (event.type === 'probe-result' && step === 'verify' && event.upstream === to) {
    // Only a probe sent after the promotion can vouch for it.
    const vouched = event.result.verdict === 'pass' && event.at - event.result.latency >= state.since
    if (vouched && acceptable(state, event.at)) return 'done'
  }
  if (event.at >= state.deadline) return { failed: `the step '${step}' did not finish in time` }
  return 'waiting'
}

/** What was fit when the switch began may be out by now. Better than nobody it still is, and an operator may insist. */
function acceptable({ upstreams, to, cause, pinned }: Switching, now: Millis): boolean {
  const fit = upstreams.some((upstream) => upstream.id === to && ineligible(upstream, now) === null)
  return fit || bestCandidate(upstreams, now, null) === null || (cause === 'failover' && pinned)
}

function cutAndGoOn(state: Switching, policy: PoolPolicy, now: Millis): Step {
  const step = enterStep(state, stepAfter('drain', policy), policy, now)
  return { state: step.state, effects: [{ type: 'cut', upstream: state.last }, ...step.effects] }
}

function stepAfter(step: SwitchStep, policy: PoolPolicy): SwitchStep {
  if (step === 'drain' && policy.hooks.fence) return 'fence'
  if (step !== 'promote' && policy.hooks.promote) return 'promote'
  return 'verify'
}

function enterStep(state: Switching, step: SwitchStep, policy: PoolPolicy, now: Millis): Step {
  const { last, to, epoch: current } = state
  // Requests are held while it drains, so a drain longer than the hold would fail what it is there to save.
  const patience = step === 'drain' ? Math.min(policy.drain.timeout, policy.hold.time) : policy.hooks.timeout
  const next: Switching = { ...state, step, since: now, deadline: ms(now + patience) }
  switch (step) {
    case 'drain':
      return { state: next, effects: [{ type: 'await-drain', upstream: last, epoch: current }] }
    case 'fence':
    case 'promote':
      return { state: next, effects: [{ type: 'run-hook', hook: step, from: last, to, epoch: current }] }
    case 'verify':
      // The old one was cut off, and requests wait: connections to the new one can be opened while its probe is under way.
      return {
        state: next,
        effects: [
          { type: 'probe-now', upstream: to },
          { type: 'preconnect', upstream: to },
        ],
      }
  }
}

/** A planned switch rolls back to the old active. A failover has nothing to roll back to: nobody is active then. */
function failSwitch(state: Switching, why: string, now: Millis): Step {
  const { from, last, to, cause, activeSince } = state
  const text = `${cause} from ${last} to ${to} failed: ${why}`
  const failed = announce(state, 'switch-failed', now, { from, to, text })
  const notBefore = ms(now + RETRY_AFTER)
  if (from === null) {
    const still: PoolState = { ...facts(state), phase: 'unavailable', since: activeSince, notBefore, resume: null }
    return { state: still, effects: [failed] }
  }
  if (cause !== 'failover') {
    const damping = cause === 'failback' ? postpone(state.damping, RETRY_AFTER, now) : state.damping
    const back: PoolState = { ...facts(state), damping, phase: 'serving', active: from, since: activeSince }
    return { state: back, effects: [failed] }
  }
  const step = vacate(state, text, { now, notBefore })
  return { state: step.state, effects: [failed, ...step.effects] }
}

/** `dead`: no answer is to be expected from it any more. `planned`: it is left because something else is better. */
export type Ending = Readonly<{ dead: boolean; planned: boolean }>

export function retirement({ dead, planned }: Ending, policy: PoolPolicy, now: Millis): Retirement {
  const { timeout, upgrade, spread, failover } = policy.drain
  return {
    waiting: dead ? 'abandon' : 'finish',
    finishBy: ms(now + timeout),
    tunnelsBy: !planned && failover === 'cut' ? now : ms(now + upgrade),
    spread,
  }
}

const endOf = ({ unfit }: SwitchOrder): Ending => ({ dead: unfit !== null && isDead(unfit), planned: unfit === null })

/** No answer is to be expected from it any more. One that answers badly may still finish what it has begun. */
function isDead(unfit: Ineligible): boolean {
  if (unfit.reason === 'ejected') return !stillAnswers(unfit.rule)
  return unfit.reason === 'unhealthy' && unfit.silent
}

export function ruleOf(unfit: Ineligible | null): Notice['rule'] | null {
  if (!unfit || unfit.reason === 'unknown') return null
  if (unfit.reason === 'ejected' || unfit.reason === 'unproven') return unfit.rule
  return unfit.reason === 'unhealthy' ? 'health' : 'operator'
}

type NoticeDetail = Omit<Notice, 'type' | 'at' | 'pool' | 'epoch'>

function announce(state: PoolState, type: NoticeType, at: Millis, detail: NoticeDetail): Effect {
  return { type: 'announce', notice: { type, at, pool: state.pool, epoch: state.epoch, ...detail } }
}
