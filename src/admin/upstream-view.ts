/** One upstream for people: what it is doing, why it is not active, and since when. Pure. */
import { KEPT } from '../core/planner.ts'
import type { PoolState } from '../core/pool.ts'
import { activeOf } from '../core/pool.ts'
import type { Ineligible } from '../core/selection.ts'
import { describeIneligible, fitSince, ineligible } from '../core/selection.ts'
import type { Millis } from '../core/time.ts'
import type { Upstream } from '../core/upstream.ts'
import { isoTime } from '../runtime/clock.ts'
import type { FailbackView } from './failback-view.ts'
import { sentence, span, timeLeft } from './words.ts'

/** What the traffic knows of an upstream. */
export type Load = Readonly<{
  inFlight: number
  tunnels: number
  /** `max`: null where any number may be open. */
  connections: Readonly<{ open: number; max: number | null }>
  lastOutcome: Readonly<{ at: Millis; what: string }> | null
}>

export type UpstreamState =
  | 'active'
  | 'active but unfit'
  | 'handing over'
  | 'taking over'
  | 'primary ready'
  | 'standby ready'
  | 'not probed yet'
  | 'unhealthy'
  | 'ejected'
  | 'draining'
  | 'disabled'

export type UpstreamView = Readonly<{
  name: string
  role: Upstream['role']
  active: boolean
  state: UpstreamState
  why: string
  since: string
  for: string
  url: string | null
  health: Readonly<{ status: string; since: string; detail: string; lastProbe: string | null }>
  ejection: Readonly<{ rule: string; detail: string; since: string; until: string; strikes: number }> | null
  admin: Upstream['admin']['state']
  inFlight: number
  tunnels: number
  connections: Load['connections']
  lastOutcome: Readonly<{ at: string; what: string }> | null
}>

export type UpstreamFacts = Readonly<{
  state: PoolState
  upstream: Upstream
  load: Load
  url: string | null
  failback: FailbackView
  now: Millis
}>

export function upstreamView(facts: UpstreamFacts): UpstreamView {
  const { state, upstream, load, url, now } = facts
  const { health, ejection, admin } = upstream
  const status = statusOf(facts)
  const ended = ejection === null || (now >= ejection.until && ineligible(upstream, now)?.reason !== 'unproven')
  return {
    name: upstream.id,
    role: upstream.role,
    active: activeOf(state) === upstream.id,
    state: status.state,
    why: sentence(begin(status.why, state)),
    since: isoTime(status.since),
    for: span(status.since, now),
    url,
    health: {
      status: health.status,
      since: isoTime(health.since),
      detail: health.detail,
      lastProbe: health.lastAt === null ? null : isoTime(health.lastAt),
    },
    ejection: ended
      ? null
      : {
          rule: ejection.rule,
          detail: ejection.detail,
          since: isoTime(ejection.since),
          until: isoTime(ejection.until),
          strikes: ejection.strikes,
        },
    admin: admin.state,
    inFlight: load.inFlight,
    tunnels: load.tunnels,
    connections: load.connections,
    lastOutcome: load.lastOutcome && { at: isoTime(load.lastOutcome.at), what: load.lastOutcome.what },
  }
}

/** A sentence begins with a capital letter, a name of the configuration stays as it is. */
function begin(clause: string, { upstreams }: PoolState): string {
  const named = upstreams.some(({ id }) => clause.startsWith(`${id} `))
  return named ? clause : clause.charAt(0).toUpperCase() + clause.slice(1)
}

type Status = Readonly<{ state: UpstreamState; why: string; since: Millis }>

function statusOf(facts: UpstreamFacts): Status {
  const { state, upstream, now } = facts
  const unfit = ineligible(upstream, now)
  if (activeOf(state) === upstream.id) return activeStatus(facts, unfit)
  if (state.phase === 'switching' && state.to === upstream.id) {
    return { state: 'taking over', why: `${state.cause}: ${state.reason}; step ${state.step}`, since: state.since }
  }
  if (unfit) return { state: STATES[unfit.reason], why: whyUnfit(unfit, now), since: unfit.since }
  return { state: `${upstream.role} ready`, why: whyReady(facts), since: fitSince(upstream) }
}

function activeStatus({ state, upstream }: UpstreamFacts, unfit: Ineligible | null): Status {
  if (state.phase === 'switching') {
    const why = `${state.cause} to ${state.to}: ${state.reason}; step ${state.step}`
    return { state: 'handing over', why, since: state.activeSince }
  }
  const since = state.since
  // An active that has not been probed yet is no worse than before.
  if (unfit && unfit.reason !== 'unknown') {
    const kept = state.attention ? ` but stays active: ${KEPT[state.attention.keptBecause]}` : ''
    return { state: 'active but unfit', why: `${describeIneligible(unfit)}${kept}`, since }
  }
  const { cause, from, to, reason } = state.decision
  const told = from && to === upstream.id ? `${cause} from ${from}: ${reason}` : reason
  return { state: 'active', why: told, since }
}

const STATES: Readonly<Record<Ineligible['reason'], UpstreamState>> = {
  disabled: 'disabled',
  draining: 'draining',
  ejected: 'ejected',
  unproven: 'ejected',
  unhealthy: 'unhealthy',
  unknown: 'not probed yet',
}

/** With what would change it. */
function whyUnfit(unfit: Ineligible, now: Millis): string {
  const clause = describeIneligible(unfit)
  switch (unfit.reason) {
    case 'disabled':
    case 'draining':
      return `${clause}; enable it to let it serve again`
    case 'ejected':
      return `${clause}; may serve again in ${timeLeft(unfit.until, now)} if its probes pass`
    case 'unproven':
    case 'unhealthy':
    case 'unknown':
      return clause
  }
}

function whyReady({ state, upstream, failback }: UpstreamFacts): string {
  const active = state.upstreams.find(({ id }) => id === activeOf(state))
  if (!active) return state.automation === 'paused' ? 'fit, but automation is paused' : 'fit; takes over next'
  if (upstream.priority > active.priority) return `fit and ready to take over; ${active.id} is preferred`
  if (failback.to !== upstream.id) return 'fit and ready to take over'
  if (state.trial) return `fit; on its way to take over: ${failback.why}`
  return failback.due ? 'fit; takes over now' : `fit and ready to take over; failback waits: ${failback.why}`
}
