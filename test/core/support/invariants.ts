/**
 * What must hold after every single event, whatever came before. Throws with the reason; `World` is what a shell would
 * know from the effects alone: the published route, the wake-up that is set, and whose connections may still be open.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Effect, PoolEvent } from '../../../src/core/events.ts'
import type { PoolPolicy } from '../../../src/core/policy.ts'
import type { PoolState } from '../../../src/core/pool.ts'
import { activeOf } from '../../../src/core/pool.ts'
import type { Route } from '../../../src/core/route.ts'
import { routeOf, sameRoute } from '../../../src/core/route.ts'
import { answersProbes, bestCandidate, ineligible } from '../../../src/core/selection.ts'
import type { Transition } from '../../../src/core/transition.ts'
import { transition } from '../../../src/core/transition.ts'
import type { UpstreamId } from '../../../src/core/upstream.ts'
import { ordered } from './build.ts'

export type World = Readonly<{
  state: PoolState
  now: number
  route: Route
  /** The earliest wake-up asked for that has not come yet. */
  wake: number | null
  /** Upstreams that were open to traffic and have not been cut since. */
  open: readonly UpstreamId[]
}>

export type Taken = Readonly<{ world: World; step: Transition }>

export function worldOf(state: PoolState, policy: PoolPolicy, now: number): World {
  const route = routeOf(state, policy, state.decision.at)
  return { state, now, route, wake: null, open: route.active ? [route.active] : [] }
}

/** Applies one event and checks everything that can be seen of it. */
export function take(world: World, event: PoolEvent, policy: PoolPolicy): Taken {
  const { state: before } = world
  const step = transition(before, event, policy)
  const after = step.state
  assertPlainData(after, 'state')
  checkEpoch(before, after)
  checkChoice(before, event, after)
  checkPause(before, event, after)
  if (policy.failover === 'observe') checkObserving(before, event, step)
  checkSwitching(before, event, step, policy)
  checkTrial(step, event, policy)
  checkStaleness(before, event, after)
  if (event.type === 'command') checkReply(before, event, step, policy)
  const next = observe(world, event, step, policy)
  checkEnds(world, event, step, policy)
  if (!sameRoute(next.route, routeOf(after, policy, event.at)) && !(next.wake !== null && next.wake <= event.at)) {
    fail('the published route is not the route of the state')
  }
  return { world: next, step }
}

function fail(reason: string): never {
  throw new Error(reason)
}

function checkEpoch(before: PoolState, after: PoolState): void {
  const grown = after.epoch - before.epoch
  const moved = activeOf(before) !== activeOf(after)
  if (grown !== (moved ? 1 : 0)) fail(`the epoch grew by ${grown} when active ${moved ? 'changed' : 'stayed'}`)
}

/** Who becomes active is fit, or the last resort, or forced upon us. */
function checkChoice(before: PoolState, event: PoolEvent, after: PoolState): void {
  const chosen = after.upstreams.find((upstream) => upstream.id === activeOf(after))
  if (!chosen || chosen.id === activeOf(before) || ineligible(chosen, event.at) === null) return
  if (bestCandidate(after.upstreams, event.at, null) === null && answersProbes(chosen)) return
  if (after.decision.cause === 'failover' && after.decision.pinned) return
  fail(`${chosen.id} was chosen though it is ${ineligible(chosen, event.at)?.reason}`)
}

/** A switch that was under way when the pool was paused still comes to its end. */
function checkPause(before: PoolState, event: PoolEvent, after: PoolState): void {
  if (before.automation === 'on' || event.type === 'command' || before.phase === 'switching') return
  if (after.phase !== before.phase || after.epoch !== before.epoch) fail('a paused pool changed by itself')
}

/** A pool that only observes moves by command only; one without an active may still find one. */
function checkObserving(before: PoolState, event: PoolEvent, { state: after, effects }: Transition): void {
  if (after.observed && after.observed.active === activeOf(after)) fail('it imagines what is the case')
  const told = effects.filter((effect) => effect.type === 'announce' && effect.notice.type.startsWith('would-'))
  const imagined = before.observed?.active !== after.observed?.active
  if (told.length > 1 || (told.length === 0 && after.observed !== null && imagined)) fail('imagined, and not told once')
  if (event.type === 'command' || before.phase !== 'serving' || isOut(before)) return
  if (after.epoch !== before.epoch) fail('a pool that only observes moved by itself')
}

/** An operator took its active out, and nobody could take over at the time. */
const isOut = (state: PoolState): boolean =>
  state.upstreams.some(({ id, admin }) => id === activeOf(state) && admin.state !== 'enabled')

function checkSwitching(before: PoolState, event: PoolEvent, step: Transition, policy: PoolPolicy): void {
  const { state: after, effects } = step
  if (policy.kind === 'stateless' && after.phase === 'switching') fail('a stateless pool has nothing to wait for')
  const wakes = effects.flatMap((effect) => (effect.type === 'wake-at' ? [effect.at] : []))
  if (wakes.length > 1) fail('more than one wake-up')
  if (after.phase !== 'switching') {
    if (wakes.some((at) => at <= event.at)) fail('a wake-up that has passed already: it would never stop')
    return
  }
  if (!wakes.some((at) => at <= after.deadline)) fail('a switch without a wake-up')
  const stuck = before.phase === 'switching' && before.step === after.step && before.since === after.since
  if (stuck && event.type === 'tick' && event.at >= before.deadline) fail(`step ${after.step} outlived its deadline`)
}

/** Whoever is tried is fit, is not the active, and there is no more than one. With a single writer there is none. */
function checkTrial({ state, effects }: Transition, event: PoolEvent, policy: PoolPolicy): void {
  const { trial } = routeOf(state, policy, event.at)
  if (!state.trial) return
  if (policy.kind === 'singleWriter' || state.phase !== 'serving' || state.automation === 'paused') fail('a trial now')
  const tried = state.upstreams.find(({ id }) => id === state.trial?.to)
  if (!tried || ineligible(tried, event.at) !== null || tried.health.last !== 'pass') fail('an unfit upstream is tried')
  if (tried.id === state.active) fail('the active is tried')
  if (trial && (trial.share <= 0 || trial.share > 1)) fail(`a share of ${trial.share}`)
  const wake = effects.some((effect) => effect.type === 'wake-at' && effect.at <= (state.trial?.until ?? 0))
  if (!wake) fail('a trial without a wake-up')
}

function checkStaleness(before: PoolState, event: PoolEvent, after: PoolState): void {
  if (!('epoch' in event) || event.epoch >= before.epoch) return
  if (after.upstreams !== before.upstreams) fail('evidence of an older epoch was believed')
  const due = before.phase === 'switching' && event.at >= before.deadline
  if (before.phase === 'switching' && !due && after !== before) fail('an answer of an older epoch moved a switch')
}

type CommandEvent = Extract<PoolEvent, { type: 'command' }>

function checkReply(before: PoolState, event: CommandEvent, step: Transition, policy: PoolPolicy): void {
  const { state: after, reply } = step
  if (!reply) fail('a command without an answer')
  if (!reply.ok) {
    if (!reply.message.endsWith('.') || !reply.hint.endsWith('.')) fail(`${reply.code} has no message or no hint`)
    if (after.upstreams !== before.upstreams || after.automation !== before.automation) fail('refused, and done')
    return
  }
  const again = transition(after, ordered(event.at, event.command), policy)
  if (again.reply?.ok && again.reply.changed) fail(`${event.command.name} given twice was done twice`)
  if (!alike(again.state, after)) fail(`${event.command.name} given twice left another state`)
}

/** But for the planner's remark on a last resort, which may come with the next event, whatever that is. */
function alike(a: PoolState, b: PoolState): boolean {
  return a === b || isDeepStrictEqual({ ...a, attention: null }, { ...b, attention: null })
}

function observe(world: World, event: PoolEvent, step: Transition, policy: PoolPolicy): World {
  let { route, wake } = world
  let open = [...world.open]
  if (event.type === 'tick' && wake !== null && wake <= event.at) wake = null
  for (const effect of step.effects) {
    if (effect.type === 'cut') open = open.filter((id) => id !== effect.upstream)
    if (effect.type === 'wake-at') wake = Math.min(wake ?? effect.at, effect.at)
    if (effect.type !== 'publish') continue
    route = effect.route
    if (!Object.isFrozen(route)) fail('a route that can be changed')
    if (route.gate === 'hold' || route.active === null) continue
    if (!open.includes(route.active)) open.push(route.active)
    if (policy.kind === 'singleWriter' && open.length > 1) fail(`two writers: ${open.join(' and ')}`)
  }
  return { state: step.state, now: event.at, route, wake, open }
}

/** What an upstream leaves behind when it stops being active comes to an end, and the world is told. */
function checkEnds(world: World, event: PoolEvent, step: Transition, policy: PoolPolicy): void {
  const { state: before } = world
  const { state: after, effects } = step
  for (const effect of effects) if (effect.type === 'retire') checkRetirement(effect, event.at)
  if (after.epoch === before.epoch) return
  const from = activeOf(before) ?? before.decision.from
  const to = activeOf(after)
  const ended = effects.some((effect) => 'upstream' in effect && effect.upstream === from && isEnd(effect))
  if (policy.kind === 'stateless' && to !== null && from !== null && to !== from && !ended) fail(`${from} never ends`)
  const told = effects.some(
    (effect) => effect.type === 'announce' && effect.notice.epoch === after.epoch && effect.notice.text !== '',
  )
  if (!told) fail('the active changed and nobody was told')
}

const isEnd = (effect: Effect): boolean => effect.type === 'retire' || effect.type === 'cut'

function checkRetirement({ retirement }: Extract<Effect, { type: 'retire' }>, now: number): void {
  const { finishBy, tunnelsBy, spread } = retirement
  if (![finishBy, tunnelsBy].every((at) => Number.isFinite(at) && at >= now) || spread < 0)
    fail('a drain without an end')
}

/** Survives JSON unchanged. Freezes as it goes, so that a transition that mutates its input is found out at once. */
function assertPlainData(value: unknown, path: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) fail(`${path} is ${value}`)
    return
  }
  if (typeof value !== 'object') fail(`${path} is ${typeof value}`)
  if (Object.isFrozen(value)) return
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype) fail(`${path} is not plain data`)
  for (const [key, part] of Object.entries(value)) assertPlainData(part, `${path}.${key}`)
  Object.freeze(value)
}
