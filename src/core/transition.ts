/**
 * The one function that changes a pool: it learns the fact an event carries, lets the planner decide what follows, and
 * returns the next state with the effects that the shell is to carry out.
 */
import type { Learned } from './commands.ts'
import { command } from './commands.ts'
import { eject, stillAnswers } from './ejection.ts'
import type { CommandReply, Effect, PoolEvent } from './events.ts'
import { observeProbe } from './health.ts'
import { announceFitness, decide } from './planner.ts'
import type { PoolPolicy } from './policy.ts'
import type { PoolState } from './pool.ts'
import { activeOf, withUpstream } from './pool.ts'
import { routeOf, sameRoute } from './route.ts'
import { bestCandidate } from './selection.ts'
import { nextLook, observe } from './shadow.ts'
import { advanceSwitch } from './switching.ts'
import { connected, rejected, tellTrial } from './trial.ts'

export type Transition = Readonly<{ state: PoolState; effects: readonly Effect[]; reply: CommandReply | null }>

export function transition(state: PoolState, event: PoolEvent, policy: PoolPolicy): Transition {
  const learned = learn(state, event, policy)
  const fitness = announceFitness(state, learned.state, event.at)
  const decided = decide(learned.state, policy, event.at)
  const verdict = event.type === 'trial-worse' ? event.detail : null
  const tried = tellTrial({ before: state, after: decided.state, policy, now: event.at }, verdict)
  const observed = observe(tried.state, policy, event.at)
  const next = observed.state
  const effects = [...fitness, ...learned.effects, ...decided.effects, ...tried.effects, ...observed.effects]

  const before = routeOf(state, policy, event.at)
  const after = routeOf(next, policy, event.at)
  const published: Effect[] =
    event.type === 'tick' || !sameRoute(before, after) ? [{ type: 'publish', route: after }] : []
  const wake = nextLook(next, policy, event.at)
  const woken: Effect[] = wake === null ? [] : [{ type: 'wake-at', at: wake }]
  // Published first: whatever an effect sets free must already find the new route.
  return { state: next, effects: [...published, ...effects, ...woken], reply: learned.reply }
}

const fact = (state: PoolState, effects: readonly Effect[] = []): Learned => ({ state, effects, reply: null })

function learn(state: PoolState, event: PoolEvent, policy: PoolPolicy): Learned {
  switch (event.type) {
    case 'probe-result':
      return learnProbe(state, event, policy)
    case 'convicted':
      return learnConviction(state, event, policy)
    case 'command':
      return command(state, event, policy)
    case 'preconnected':
      return fact(isTried(state, event) ? connected(state, event.at) : state)
    case 'trial-worse':
      return fact(isTried(state, event) ? rejected(state, event.at) : state)
    case 'drained':
    case 'hook-finished':
    case 'tick': {
      const step = advanceSwitch(state, event, policy)
      return fact(step.state, step.effects)
    }
  }
}

/** It is about the trial that is on. */
const isTried = (state: PoolState, { upstream, epoch }: EventOf<'preconnected' | 'trial-worse'>): boolean =>
  state.trial?.to === upstream && state.epoch === epoch

type EventOf<Type extends PoolEvent['type']> = Extract<PoolEvent, { type: Type }>

function learnProbe(state: PoolState, event: EventOf<'probe-result'>, policy: PoolPolicy): Learned {
  const probed = withUpstream(state, event.upstream, (upstream) => ({
    ...upstream,
    health: observeProbe(upstream.health, event.result, policy.health, event.at),
  }))
  // A probe that passes does not end the doubt before the thresholds do; one that says "I am leaving" leaves none.
  const trafficFine = event.trafficFine && event.result.verdict !== 'leaving'
  const known = event.upstream === activeOf(state) ? { ...probed, trafficFine } : probed
  const step = advanceSwitch(known, event, policy)
  return fact(step.state, step.effects)
}

function learnConviction(state: PoolState, event: EventOf<'convicted'>, policy: PoolPolicy): Learned {
  // Evidence gathered under an older route says nothing about this one.
  if (event.epoch < state.epoch) return fact(state)
  const { at, upstream, conviction } = event
  const base = { at, pool: state.pool, epoch: state.epoch, upstream, rule: conviction.rule }
  const withheld = withholds(state, event, policy)
  if (withheld !== null) {
    const text = `${upstream} fails (${conviction.detail}) but ${withheld}, so it stays`
    return fact(state, [{ type: 'announce', notice: { ...base, type: 'conviction-withheld', text } }])
  }
  const ejected = withUpstream(state, upstream, (found) => ({
    ...found,
    ejection: eject(found.ejection, conviction, at),
  }))
  const text = `${upstream} is out (${conviction.rule}): ${conviction.detail}`
  return fact(ejected, [{ type: 'announce', notice: { ...base, type: 'ejected', text } }])
}

/** Why an upstream that answers, if badly, is not taken out; null when it is. */
function withholds(state: PoolState, event: EventOf<'convicted'>, policy: PoolPolicy): string | null {
  const { rule } = event.conviction
  if (rule === 'gray' && policy.gray === 'report') return 'a gray failure is only to be reported'
  return stillAnswers(rule) && !bestCandidate(state.upstreams, event.at, event.upstream)
    ? 'nothing better is available'
    : null
}
