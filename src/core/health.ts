/** The probes' verdict on one upstream: consecutive results against thresholds. Knows nothing of traffic or of roles. */
import type { FailureKind } from './failure.ts'
import type { Millis } from './time.ts'

/** `leaving`: the upstream itself says that it is about to go (a lame duck, rule R6). */
export type ProbeVerdict = 'pass' | 'fail' | 'leaving'

export type ProbeResult = Readonly<{
  verdict: ProbeVerdict
  /** What broke, when no answer came at all; null when there was an answer, good or bad. */
  failure: FailureKind | null
  /** For people: `200 in 3 ms`, `connection refused`. */
  detail: string
  latency: Millis
}>

export type ProbeHealth = Readonly<{
  status: 'unknown' | 'healthy' | 'unhealthy'
  since: Millis
  /** How many results in a row said the same as the last one. */
  streak: number
  last: ProbeVerdict | null
  lastAt: Millis | null
  /** When a probe last passed. */
  passedAt: Millis | null
  detail: string
  /** The last probe got no answer at all, good or bad. */
  silent: boolean
}>

export type HealthPolicy = Readonly<{ healthy: number; unhealthy: number }>

export function unknownHealth(now: Millis): ProbeHealth {
  return {
    status: 'unknown',
    since: now,
    streak: 0,
    last: null,
    lastAt: null,
    passedAt: null,
    detail: 'not probed yet',
    silent: false,
  }
}

export function observeProbe(health: ProbeHealth, result: ProbeResult, policy: HealthPolicy, now: Millis): ProbeHealth {
  const streak = result.verdict === health.last ? health.streak + 1 : 1
  const status = nextStatus(health.status, result.verdict, streak, policy)
  const since = status === health.status ? health.since : now
  const passedAt = result.verdict === 'pass' ? now : health.passedAt
  const { verdict, detail, failure } = result
  return { status, since, streak, last: verdict, lastAt: now, passedAt, detail, silent: failure !== null }
}

function nextStatus(
  status: ProbeHealth['status'],
  verdict: ProbeVerdict,
  streak: number,
  policy: HealthPolicy,
): ProbeHealth['status'] {
  if (verdict === 'leaving') return 'unhealthy'
  // The first result decides: waiting for a streak would leave a dead primary in use at every start.
  if (verdict === 'pass') return status === 'unhealthy' && streak < policy.healthy ? 'unhealthy' : 'healthy'
  return status === 'healthy' && streak < policy.unhealthy ? 'healthy' : 'unhealthy'
}
