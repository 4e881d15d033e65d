/**
 * The way back to a preferred upstream, while the active still is the active: connections are opened ahead, then, with a
 * ramp, the preferred gets a growing share of the safe requests. It ends with the one epoch step of a failback, or with
 * whatever speaks against it.
 */
import { postpone } from './damping.ts'
import type { Effect, Notice } from './events.ts'
import type { PoolPolicy } from './policy.ts'
import type { PoolState, Trial } from './pool.ts'
import { activeOf } from './pool.ts'
import { describeIneligible, ineligible } from './selection.ts'
import type { Step, SwitchOrder } from './switching.ts'
import { retirement, startSwitch } from './switching.ts'
import type { Millis } from './time.ts'
import { ms } from './time.ts'
import type { Upstream } from './upstream.ts'

/** First nothing, while connections are opened. Unsafe requests come with the epoch step and never before. */
const SHARES = [0, 0.05, 0.25, 1] as const
/** What connections opened ahead may cost: where they cannot be had in this time, they would not have been faster later. */
const CONNECT_WITHIN = 250
/** After a trial that spoke against the preferred upstream. Its next one would tell the same at once. */
const TRY_AGAIN_AFTER = 60_000

/** The share of the safe requests that the preferred upstream gets. */
export const shareOf = (trial: Trial | null): number => (trial && SHARES[trial.stage]) ?? 0

/** One step further on the way to `order.to`: begins it, goes on when its time has come, and at its end moves. */
export function approach(state: PoolState, order: SwitchOrder, policy: PoolPolicy, now: Millis): Step {
  const { trial } = state
  if (trial?.to !== order.to) return begin(state, order, now)
  if (now < trial.until) return { state, effects: [] }
  const stage = trial.stage + 1
  const last = policy.failback.ramp === 0 || stage === SHARES.length
  if (last) return startSwitch(state, order, policy, now)
  // Counted from now: a stage that we slept through is not one that was passed.
  const until = ms(now + policy.failback.ramp / (SHARES.length - 1))
  return { state: { ...state, trial: { ...trial, stage, until } }, effects: [] }
}

function begin(state: PoolState, { to }: SwitchOrder, now: Millis): Step {
  const trial: Trial = { to, stage: 0, until: ms(now + CONNECT_WITHIN) }
  return { state: { ...state, trial }, effects: [{ type: 'preconnect', upstream: to }] }
}

/** The connections are open, or not to be had: there is nothing more to wait for. */
export function connected(state: PoolState, now: Millis): PoolState {
  return state.trial?.stage === 0 ? { ...state, trial: { ...state.trial, until: now } } : state
}

/** The preferred upstream does worse than the active, by what both answered in the same time. */
export const rejected = (state: PoolState, now: Millis): PoolState => ({
  ...state,
  trial: null,
  damping: postpone(state.damping, TRY_AGAIN_AFTER, now),
})

type Change = Readonly<{ before: PoolState; after: PoolState; policy: PoolPolicy; now: Millis }>

/**
 * What a change of state means to a trial: that it begins to take requests, or that it is over and its upstream did not
 * become active. `verdict`: what the comparison said, if that ended it.
 */
export function tellTrial({ before, after, policy, now }: Change, verdict: string | null): Step {
  const had = shareOf(before.trial) > 0 ? before.trial : null
  const has = shareOf(after.trial) > 0 ? after.trial : null
  if (has && !had) return { state: after, effects: [started(after, has, now)] }
  if (!had || has || activeOf(after) === had.to) return { state: after, effects: [] }
  const [fault] = after.upstreams.flatMap((upstream) => (upstream.id === had.to ? faults(upstream, now) : []))
  const why = verdict ?? fault?.why ?? otherwise(before, after)
  const text = `failback from ${activeOf(before)} to ${had.to} was given up: ${why}`
  const detail = { from: activeOf(before), to: had.to, upstream: had.to, text }
  // Its requests are safe, and kept: where it no longer answers they go to the active.
  const ends = retirement({ dead: fault?.own === true, planned: true }, policy, now)
  return {
    state: fault?.own ? { ...after, damping: postpone(after.damping, TRY_AGAIN_AFTER, now) } : after,
    effects: [announce(after, 'failback-aborted', now, detail), { type: 'retire', upstream: had.to, retirement: ends }],
  }
}

function started(state: PoolState, trial: Trial, now: Millis): Effect {
  const from = activeOf(state)
  const text = `failback from ${from} to ${trial.to} begins with ${shareOf(trial) * 100} % of the safe requests`
  return announce(state, 'failback-started', now, { from, to: trial.to, text })
}

/** `own`: it is the upstream's, and not an operator's doing. */
function faults(upstream: Upstream, now: Millis): readonly Readonly<{ why: string; own: boolean }>[] {
  const unfit = ineligible(upstream, now)
  if (unfit) {
    const own = unfit.reason !== 'disabled' && unfit.reason !== 'draining'
    return [{ why: `${upstream.id} is ${describeIneligible(unfit)}`, own }]
  }
  const { last, detail } = upstream.health
  return last === 'pass' ? [] : [{ why: `its last probe failed (${detail})`, own: true }]
}

function otherwise(before: PoolState, after: PoolState): string {
  if (after.automation === 'paused') return 'automation is paused'
  const active = activeOf(after)
  return active === activeOf(before)
    ? 'one that is preferred even more is fit'
    : `${active} is active: ${after.decision.reason}`
}

type Detail = Omit<Notice, 'type' | 'at' | 'pool' | 'epoch'>

function announce(state: PoolState, type: Notice['type'], at: Millis, detail: Detail): Effect {
  return { type: 'announce', notice: { type, at, pool: state.pool, epoch: state.epoch, ...detail } }
}
