/** Flap damping: points for failovers, and how long they keep automatic failback away. */
import { describe, expect, it } from 'vitest'
import type { Damping } from '../../src/core/damping.ts'
import { calm, dampingPoints, isSuppressed, penalise, postpone } from '../../src/core/damping.ts'
import { ms } from '../../src/core/time.ts'

const SECOND = 1_000

const failovers = (...at: number[]): Damping => at.reduce((damping, now) => penalise(damping, ms(now)), calm(ms(0)))

describe('damping', () => {
  it('lets the points fade by half every minute', () => {
    const damping = failovers(0)
    expect(dampingPoints(damping, ms(0))).toBe(1_000)
    expect(dampingPoints(damping, ms(60 * SECOND))).toBe(500)
    expect(dampingPoints(damping, ms(120 * SECOND))).toBe(250)
  })

  it('does not let points grow when the clock steps back', () => {
    expect(dampingPoints(failovers(60 * SECOND), ms(0))).toBe(1_000)
  })

  it('bears two failovers in a row, and not a third', () => {
    expect(isSuppressed(failovers(0, SECOND), ms(2 * SECOND))).toBe(false)
    expect(isSuppressed(failovers(0, SECOND, 2 * SECOND), ms(2 * SECOND))).toBe(true)
  })

  it('bears any number of failovers that are far enough apart', () => {
    const rare = Array.from({ length: 20 }, (_, n) => n * 120 * SECOND)
    expect(failovers(...rare).suppressedUntil).toBeNull()
  })

  it('ends the suppression when the points have faded under the reuse limit', () => {
    const damping = failovers(0, 0, 0)
    const until = ms(damping.suppressedUntil ?? 0)
    expect(dampingPoints(damping, until)).toBeCloseTo(750)
    expect(isSuppressed(damping, ms(until - 1))).toBe(true)
    expect(isSuppressed(damping, until)).toBe(false)
  })

  it('prolongs a suppression with another failover, even though the points alone would not start one', () => {
    const damping = failovers(0, 0, 0)
    const late = ms((damping.suppressedUntil ?? 0) - SECOND)
    const again = penalise(damping, late)
    expect(again.points).toBeLessThan(2_500)
    expect(again.suppressedUntil).toBeGreaterThan(late + SECOND)
  })

  it('never suppresses for longer than fifteen minutes', () => {
    const storm = { points: 1e9, at: ms(0), suppressedUntil: null }
    expect(penalise(storm, ms(0)).suppressedUntil).toBe(900 * SECOND)
  })

  it('postpones the next try after a failed failback, and by more when they keep failing', () => {
    const once = postpone(calm(ms(0)), 5 * SECOND, ms(0))
    expect(once).toMatchObject({ points: 1_000, suppressedUntil: 5 * SECOND })
    const thrice = postpone(postpone(once, 5 * SECOND, ms(5 * SECOND)), 5 * SECOND, ms(10 * SECOND))
    expect(thrice.suppressedUntil).toBeGreaterThan(60 * SECOND)
  })
})
