/**
 * Flap damping: every failover costs points that fade with time; too many suppress *automatic failback* until they have
 * faded. Failover itself is never damped.
 */
import type { Millis } from './time.ts'
import { ms } from './time.ts'

const PENALTY = 1_000
const HALF_LIFE = 60_000
const SUPPRESS_FROM = 2_500
const REUSE_UNDER = 750
const LONGEST_SUPPRESSION = 900_000

export type Damping = Readonly<{ points: number; at: Millis; suppressedUntil: Millis | null }>

export const calm = (now: Millis): Damping => ({ points: 0, at: now, suppressedUntil: null })

export function dampingPoints(damping: Damping, now: Millis): number {
  return damping.points * 0.5 ** (Math.max(0, now - damping.at) / HALF_LIFE)
}

export function penalise(damping: Damping, now: Millis): Damping {
  const points = dampingPoints(damping, now) + PENALTY
  if (points < SUPPRESS_FROM && !isSuppressed(damping, now)) return { points, at: now, suppressedUntil: null }
  const fades = HALF_LIFE * Math.log2(points / REUSE_UNDER)
  return { points, at: now, suppressedUntil: ms(now + Math.min(LONGEST_SUPPRESSION, fades)) }
}

/** A failback that failed: a penalty, and no other try for a while. Tried again at once, it would fail again at once. */
export function postpone(damping: Damping, wait: number, now: Millis): Damping {
  const { points, at, suppressedUntil } = penalise(damping, now)
  return { points, at, suppressedUntil: ms(Math.max(suppressedUntil ?? now, now + wait)) }
}

export function isSuppressed(damping: Damping, now: Millis): boolean {
  return damping.suppressedUntil !== null && now < damping.suppressedUntil
}
