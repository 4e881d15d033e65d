/** What a pool that only observes would have done by now, for people. */
import type { PoolPolicy } from '../core/policy.ts'
import type { PoolState } from '../core/pool.ts'
import type { Millis } from '../core/time.ts'
import { isoTime } from '../runtime/clock.ts'
import { sentence, span } from './words.ts'

/** Null where automatic mode would have the same active. */
export type ObservedView = Readonly<{ active: string | null; since: string; reason: string }> | null

export const observedView = ({ observed }: PoolState): ObservedView =>
  observed && { active: observed.active, since: isoTime(observed.since), reason: observed.decision.reason }

/** Follows the summary; empty for a pool that acts. */
export function observedInWords({ observed }: PoolState, { failover }: PoolPolicy, now: Millis): string {
  if (failover !== 'observe') return ''
  if (!observed) return ' It only observes.'
  const { active, since, decision } = observed
  const who = `in automatic mode ${active ?? 'nobody'} would have been active for ${span(since, now)}`
  return ` ${sentence(`It only observes: ${who}: ${decision.reason}`)}`
}
