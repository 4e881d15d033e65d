/**
 * What the admin API shows, as pure functions from state to plain data. The order of the fields is the order of reading:
 * who is active, since when and why, then everything else.
 */
import { dampingPoints, isSuppressed } from '../core/damping.ts'
import type { PoolPolicy } from '../core/policy.ts'
import type { PoolState } from '../core/pool.ts'
import { activeOf } from '../core/pool.ts'
import { describeIneligible } from '../core/selection.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { isoTime } from '../runtime/clock.ts'
import type { NumberedNotice } from '../runtime/notices.ts'
import type { FailbackView } from './failback-view.ts'
import { failbackView } from './failback-view.ts'
import type { GroundsView } from './grounds-view.ts'
import { groundsView } from './grounds-view.ts'
import type { ObservedView } from './observed-view.ts'
import { observedInWords, observedView } from './observed-view.ts'
import type { Load, UpstreamView } from './upstream-view.ts'
import { upstreamView } from './upstream-view.ts'
import { listed, sentence, span } from './words.ts'

export type PoolSnapshot = Readonly<{
  state: PoolState
  policy: PoolPolicy
  load(id: UpstreamId): Load
  url(id: UpstreamId): string | null
  held: number
  now: Millis
}>

export type PoolSummary = Readonly<{
  pool: string
  phase: PoolState['phase']
  active: string | null
  since: string
  for: string
  epoch: number
  automation: PoolState['automation']
  summary: string
  reason: string
}>

export type PoolView = PoolSummary &
  Readonly<{ kind: PoolPolicy['kind']; held: number; upstreams: readonly UpstreamView[] }>

export function poolSummary(snapshot: PoolSnapshot): PoolSummary {
  const { pool, phase, active, since, for: length, epoch, automation, summary, reason } = poolView(snapshot)
  return { pool, phase, active, since, for: length, epoch, automation, summary, reason }
}

export function poolView(snapshot: PoolSnapshot): PoolView {
  const { state, policy, held, now } = snapshot
  const failback = failbackView(state, policy, now)
  const upstreams = state.upstreams.map((upstream) =>
    upstreamView({
      state,
      upstream,
      load: snapshot.load(upstream.id),
      url: snapshot.url(upstream.id),
      failback,
      now,
    }),
  )
  return {
    pool: state.pool,
    phase: state.phase,
    active: activeOf(state),
    since: isoTime(state.since),
    for: span(state.since, now),
    epoch: state.epoch,
    automation: state.automation,
    summary: summarise(state, upstreams, failback, now) + observedInWords(state, policy, now),
    reason: state.decision.reason,
    kind: policy.kind,
    held,
    upstreams,
  }
}

const READY: readonly UpstreamView['state'][] = ['primary ready', 'standby ready']

/** What a newcomer has to know, in two or three short sentences. */
function summarise(state: PoolState, upstreams: readonly UpstreamView[], failback: FailbackView, now: Millis): string {
  const paused = state.automation === 'paused' ? ' Automation is paused.' : ''
  return phaseInWords(state, upstreams, failback, now) + paused
}

function phaseInWords(
  state: PoolState,
  upstreams: readonly UpstreamView[],
  failback: FailbackView,
  now: Millis,
): string {
  if (state.phase === 'unavailable') {
    return sentence(`Nobody has been active for ${span(state.since, now)}: ${state.decision.reason}`)
  }
  if (state.phase === 'switching') {
    const { cause, last, to, step } = state
    return `A ${cause} from ${last} to ${to} is under way (step ${step}); requests are held meanwhile.`
  }
  const active = upstreams.find((upstream) => upstream.active)
  const others = upstreams.filter((upstream) => !upstream.active)
  const ready = others.filter((upstream) => READY.includes(upstream.state)).map(({ name }) => name)
  const behind =
    ready.length > 0
      ? `${listed(ready)} ${ready.length > 1 ? 'are' : 'is'} ready to take over`
      : `nobody is ready to take over${others.length > 0 ? ` (${listed(others.map(stateInWords))})` : ''}`
  const unfit = active?.state === 'active but unfit' ? ', though it is unfit' : ''
  const first = `${state.active} (${active?.role}) is active${unfit}; ${behind}.`
  const details = unfit ? `${active?.name}: ${active?.why}` : afterFailover(state, now)
  // Why an unfit upstream does not take over has been said already.
  const returning = failback.to !== null && ready.includes(failback.to) && state.automation === 'on'
  const returns = returning ? sentence(`Failback to ${failback.to}: ${failback.why}`) : ''
  return [first, details, returns].filter((part) => part !== '').join(' ')
}

const stateInWords = ({ name, state }: UpstreamView): string => `${name}: ${state}`

function afterFailover({ decision }: PoolState, now: Millis): string {
  if (decision.cause !== 'failover') return ''
  return sentence(`Failover from ${decision.from} ${span(decision.at, now)} ago: ${decision.reason}`)
}

export type NoticeView = Readonly<{ id: number; at: string; type: string; pool: string; text: string }> &
  Readonly<Record<string, unknown>>

/** Without the evidence: it is long, and `explain` shows it. */
export function noticeView({ id, at, type, pool, text, evidence: _, ...rest }: NumberedNotice): NoticeView {
  return { id, at: isoTime(at), type, pool, text, ...rest }
}

export type ExplainView = Readonly<{
  pool: string
  summary: string
  decision: Readonly<{
    cause: string
    at: string
    from: string | null
    to: string | null
    reason: string
    by: string
    pinned: boolean
  }>
  epoch: number
  /** The notice that told of the decision, from before a restart too; null when there is none. */
  evidence: GroundsView | null
  /** What went wrong since, and changed nothing. */
  trouble: GroundsView | null
  attention: Readonly<{ unfit: string; keptBecause: string }> | null
  damping: Readonly<{ points: number; failbackSuppressed: boolean; until: string | null }>
  failback: FailbackView
  failover: PoolPolicy['failover']
  observed: ObservedView
  upstreams: readonly Readonly<{ name: string; state: string; why: string; since: string }>[]
  notices: readonly NoticeView[]
}>

/** What is to be shown beside the state: the last events, the decision's own and the trouble after it. */
export type Story = Readonly<{
  notices: readonly NumberedNotice[]
  decision: NumberedNotice | null
  trouble: NumberedNotice | null
}>

export function explainView(snapshot: PoolSnapshot, story: Story): ExplainView {
  const { state, policy, now } = snapshot
  const { attention, damping, decision } = state
  const view = poolView(snapshot)
  const suppressed = isSuppressed(damping, now)
  return {
    pool: state.pool,
    summary: view.summary,
    decision: { ...decision, at: isoTime(decision.at) },
    epoch: state.epoch,
    evidence: story.decision && groundsView(story.decision, now),
    trouble: story.trouble && groundsView(story.trouble, now),
    attention: attention && { unfit: describeIneligible(attention.unfit), keptBecause: attention.keptBecause },
    damping: {
      points: Math.round(dampingPoints(damping, now)),
      failbackSuppressed: suppressed,
      until: suppressed && damping.suppressedUntil !== null ? isoTime(damping.suppressedUntil) : null,
    },
    failback: failbackView(state, policy, now),
    failover: policy.failover,
    observed: observedView(state),
    upstreams: view.upstreams.map(({ name, state: status, why, since }) => ({ name, state: status, why, since })),
    notices: story.notices.map(noticeView),
  }
}
