/** Who may become active, who may stay, and if not, why not: a reason, never a bare boolean. */
import type { ConvictionRule } from './ejection.ts'
import type { Millis } from './time.ts'
import { ms } from './time.ts'
import type { Upstream, UpstreamId } from './upstream.ts'

export type Ineligible =
  | Readonly<{ reason: 'disabled' | 'draining'; since: Millis }>
  | Readonly<{ reason: 'ejected'; rule: ConvictionRule; detail: string; since: Millis; until: Millis }>
  | Readonly<{ reason: 'unproven'; rule: ConvictionRule; detail: string; since: Millis }>
  /** `silent`: its last probe got no answer at all. */
  | Readonly<{ reason: 'unhealthy' | 'unknown'; detail: string; silent: boolean; since: Millis }>

/** Null: it may become active. */
export function ineligible(upstream: Upstream, now: Millis): Ineligible | null {
  const { admin, health, ejection } = upstream
  if (admin.state !== 'enabled') return { reason: admin.state, since: admin.since }
  if (ejection && now < ejection.until) {
    const { rule, detail, since, until } = ejection
    return { reason: 'ejected', rule, detail, since, until }
  }
  if (health.status !== 'healthy') {
    const reason = health.status === 'unknown' ? 'unknown' : 'unhealthy'
    return { reason, detail: health.detail, silent: health.silent, since: health.since }
  }
  if (ejection && !provenSince(upstream, ejection.since)) {
    return { reason: 'unproven', rule: ejection.rule, detail: ejection.detail, since: ejection.since }
  }
  return null
}

/** A probe has passed after `since`. A later failure is for the thresholds of its health to judge. */
export function provenSince(upstream: Upstream, since: Millis): boolean {
  const { passedAt } = upstream.health
  return passedAt !== null && passedAt > since
}

/** Since when it has been fit without a break. Meaningful only for an eligible upstream. */
export function fitSince(upstream: Upstream): Millis {
  return ms(Math.max(upstream.admin.since, upstream.health.since, upstream.ejection?.until ?? 0))
}

/** The most preferred upstream that may become active, other than `except`. */
export function bestCandidate(upstreams: readonly Upstream[], now: Millis, except: UpstreamId | null): Upstream | null {
  return upstreams.find((upstream) => upstream.id !== except && ineligible(upstream, now) === null) ?? null
}

/**
 * When nobody is eligible: an enabled upstream whose latest probe passed is better than an error page, even if it was
 * ejected a moment ago or has not yet passed often enough.
 */
export function lastResort(upstreams: readonly Upstream[]): Upstream | null {
  return upstreams.find(answersProbes) ?? null
}

export function answersProbes(upstream: Upstream): boolean {
  const { admin, health, ejection } = upstream
  return (
    admin.state === 'enabled' && health.last === 'pass' && (ejection === null || provenSince(upstream, ejection.since))
  )
}

/** One clause an upstream, for people: `blue is draining by an operator; green is fit`. */
export function describeEach(upstreams: readonly Upstream[], now: Millis): string {
  return upstreams.map((upstream) => `${upstream.id} is ${describeIneligible(ineligible(upstream, now))}`).join('; ')
}

/** One clause for people: `ejected by rule crash (connection refused twice)`. */
export function describeIneligible(why: Ineligible | null): string {
  if (why === null) return 'fit'
  switch (why.reason) {
    case 'disabled':
    case 'draining':
      return `${why.reason} by an operator`
    case 'ejected':
      return `ejected by rule ${why.rule} (${why.detail})`
    case 'unproven':
      return `ejected by rule ${why.rule} and no probe has passed since (${why.detail})`
    case 'unhealthy':
      return `unhealthy by its probes (${why.detail})`
    case 'unknown':
      return 'not probed yet'
  }
}
