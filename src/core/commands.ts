/** What operators may ask of a pool. Every command is idempotent; a refusal says why and what to do instead. */
import type { Command, CommandReply, Effect, NoticeType, Origin, PoolEvent, RefusalCode } from './events.ts'
import type { PoolPolicy } from './policy.ts'
import type { PoolState, SwitchCause } from './pool.ts'
import { activeOf, chosenUnfit, withUpstream } from './pool.ts'
import { bestCandidate, describeEach, describeIneligible, ineligible } from './selection.ts'
import { startSwitch } from './switching.ts'
import type { Millis } from './time.ts'
import type { AdminState, Upstream, UpstreamId } from './upstream.ts'

/** What an event taught, before the planner has had its say. `reply` is for whoever gave a command. */
export type Learned = Readonly<{ state: PoolState; effects: readonly Effect[]; reply: CommandReply | null }>

type Asked = Readonly<{ state: PoolState; policy: PoolPolicy; now: Millis; origin: Origin }>

export function command(state: PoolState, event: Extract<PoolEvent, { type: 'command' }>, policy: PoolPolicy): Learned {
  const asked: Asked = { state, policy, now: event.at, origin: event.origin }
  const { command: order } = event
  switch (order.name) {
    case 'switchover':
      return switchover(asked, order.to)
    case 'failover':
      return failover(asked, order.force)
    case 'failback':
      return failback(asked)
    case 'pause':
      return setAutomation(asked, 'paused')
    case 'resume':
      return setAutomation(asked, 'on')
    case 'enable':
      return setAdmin(asked, order, 'enabled')
    case 'drain':
      return setAdmin(asked, order, 'draining')
    case 'disable':
      return setAdmin(asked, order, 'disabled')
  }
}

const unchanged = (state: PoolState): Learned => ({ state, effects: [], reply: { ok: true, changed: false } })

function refuse(state: PoolState, code: RefusalCode, message: string, hint: string): Learned {
  const reply: CommandReply = { ok: false, code, message, hint }
  return { state, effects: [], reply }
}

function find(state: PoolState, id: UpstreamId | null): Upstream | null {
  return state.upstreams.find((upstream) => upstream.id === id) ?? null
}

function switchover(asked: Asked, to: UpstreamId | null): Learned {
  const { state, now } = asked
  const target = to === null ? bestCandidate(standbys(state), now, activeOf(state)) : find(state, to)
  if (to !== null && !target) return refuseUnknown(state, to)
  if (state.phase === 'switching') return target?.id === state.to ? unchanged(state) : refuseBusy(state)
  if (to === null && standbyServes(state, now)) return unchanged(state)
  if (!target) return refuseNoStandby(asked)
  return planned(asked, target, 'switchover')
}

function failback(asked: Asked): Learned {
  const { state } = asked
  const preferred = state.upstreams[0]
  if (state.phase === 'switching') return preferred?.id === state.to ? unchanged(state) : refuseBusy(state)
  if (!preferred || preferred.id === activeOf(state)) return unchanged(state)
  if (asked.policy.failback.mode === 'never') {
    const hint = `Use switchover to ${preferred.id}, or change failback.mode.`
    return refuse(state, 'failback_is_off', `Pool ${state.pool} never fails back: failback.mode is never.`, hint)
  }
  return planned(asked, preferred, 'failback')
}

/** Failover, and switchover without a name, mean "leave the primary": given twice, they must not swap back. */
const standbys = (state: PoolState): Upstream[] => state.upstreams.filter((upstream) => upstream.role === 'standby')

/** A standby is active, and fit or knowingly chosen: to leave the primary there is nothing left to do. */
function standbyServes(state: PoolState, now: Millis): boolean {
  const active = find(state, activeOf(state))
  if (active?.role !== 'standby') return false
  const why = ineligible(active, now)
  return why === null || why.reason === 'unknown' || chosenUnfit(state, why)
}

function planned(asked: Asked, target: Upstream, cause: SwitchCause): Learned {
  const { state, policy, now, origin } = asked
  if (target.id === activeOf(state)) return unchanged(state)
  const why = ineligible(target, now)
  if (why) {
    const hint = 'Mend or enable it first, or use failover with force to leave the active all the same.'
    return refuse(state, 'not_eligible', `${target.id} cannot take over: it is ${describeIneligible(why)}.`, hint)
  }
  const pinned = cause === 'switchover' && target.priority > 0
  const order = { to: target.id, cause, reason: reasonOf(origin), by: origin.by, pinned, unfit: null }
  return changed(startSwitch(state, order, policy, now))
}

function failover(asked: Asked, force: boolean): Learned {
  const { state, policy, now, origin } = asked
  if (state.phase === 'switching') return state.cause === 'failover' ? unchanged(state) : refuseBusy(state)
  if (standbyServes(state, now)) return unchanged(state)
  const active = find(state, activeOf(state))
  const why = active && ineligible(active, now)
  const fit = why === null || why.reason === 'unknown'
  if (active && fit && !force) {
    const hint = 'Use switchover for a planned change, or failover with force.'
    return refuse(state, 'active_is_fit', `${active.id} is fit, so there is nothing to fail over from.`, hint)
  }
  const others = standbys(state).filter((upstream) => upstream !== active && upstream.admin.state === 'enabled')
  const target = bestCandidate(others, now, null) ?? (force ? others[0] : null)
  if (!target) return refuseNoStandby(asked)
  const order = {
    to: target.id,
    cause: 'failover',
    reason: reasonOf(origin),
    by: origin.by,
    pinned: true,
    unfit: why,
  } as const
  return changed(startSwitch(state, order, policy, now))
}

function setAutomation(asked: Asked, automation: PoolState['automation']): Learned {
  const { state } = asked
  if (state.automation === automation) return unchanged(state)
  const paused = automation === 'paused'
  const text = paused ? 'automation is paused: the active changes by command only' : 'automation is on again'
  return changed({ state: { ...state, automation }, effects: [tell(asked, paused ? 'paused' : 'resumed', text)] })
}

type AdminOrder = Extract<Command, { upstream: UpstreamId }>

function setAdmin(asked: Asked, order: AdminOrder, admin: AdminState): Learned {
  const { state, policy, now, origin } = asked
  const upstream = find(state, order.upstream)
  if (!upstream) return refuseUnknown(state, order.upstream)
  if (upstream.admin.state === admin) return unchanged(state)
  if (state.phase === 'switching') return refuseBusy(state)

  const set = withUpstream(state, upstream.id, (found) => ({ ...found, admin: { state: admin, since: now } }))
  const told = tell(asked, 'admin-changed', `${upstream.id} is ${admin}`, upstream.id)
  const leaves = admin !== 'enabled' && upstream.id === activeOf(state)
  const closing: Effect[] = admin === 'disabled' ? [{ type: 'cut', upstream: upstream.id }] : []
  if (!leaves) return changed({ state: set, effects: [told, ...closing] })

  const candidate = bestCandidate(state.upstreams, now, upstream.id)
  if (!candidate) return order.force ? changed({ state: set, effects: [told, ...closing] }) : refuseNobodyElse(asked)
  const reason = `${upstream.id} is ${admin}: ${reasonOf(origin)}`
  const move = { to: candidate.id, cause: 'switchover', reason, by: origin.by, pinned: false, unfit: null } as const
  const step = startSwitch(set, move, policy, now)
  return changed({ state: step.state, effects: [told, ...step.effects, ...closing] })
}

const changed = (step: Readonly<{ state: PoolState; effects: readonly Effect[] }>): Learned => ({
  ...step,
  reply: { ok: true, changed: true },
})

const reasonOf = (origin: Origin): string => origin.why || `asked for by ${origin.by}`

function tell(asked: Asked, type: NoticeType, text: string, upstream?: UpstreamId): Effect {
  const { state, now, origin } = asked
  const notice = {
    type,
    at: now,
    pool: state.pool,
    epoch: state.epoch,
    by: origin.by,
    text: origin.why ? `${text}: ${origin.why}` : text,
  }
  return { type: 'announce', notice: upstream ? { ...notice, upstream } : notice }
}

function refuseUnknown(state: PoolState, id: UpstreamId): Learned {
  const names = state.upstreams.map((upstream) => upstream.id).join(', ')
  return refuse(state, 'unknown_upstream', `Pool ${state.pool} has no upstream ${id}.`, `It has: ${names}.`)
}

function refuseBusy(state: PoolState): Learned {
  const hint = 'Wait for it to finish (seconds), then ask again.'
  return refuse(state, 'switch_in_progress', `Pool ${state.pool} is in the middle of a switch.`, hint)
}

function refuseNoStandby(asked: Asked): Learned {
  const hint =
    'Mend or enable a standby first; failover with force takes an unfit one, failback returns to the primary.'
  return refuseNoCandidate(asked, standbys(asked.state), hint)
}

function refuseNobodyElse(asked: Asked): Learned {
  return refuseNoCandidate(asked, asked.state.upstreams, 'Mend or enable a standby first; force does it without one.')
}

function refuseNoCandidate({ state, now }: Asked, among: readonly Upstream[], hint: string): Learned {
  const others = among.filter((upstream) => upstream.id !== activeOf(state))
  const message = `Nobody can take over: ${describeEach(others, now) || 'there is no other upstream'}.`
  return refuse(state, 'no_candidate', message, hint)
}
