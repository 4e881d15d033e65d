/** How long idle connections can be trusted, from those that the server closed. */
import { describe, expect, it } from 'vitest'
import { ms } from '../../../src/core/time.ts'
import { IdleHabit } from '../../../src/wire/idle-habit.ts'

describe('an idle connection', () => {
  it('is trusted for ever as long as the server has closed none', () => {
    expect(new IdleHabit(ms(0)).trusted(ms(1e6))).toBe(Number.POSITIVE_INFINITY)
  })

  it('is trusted for half as long as the shortest-lived one was idle', () => {
    const habit = new IdleHabit(ms(0))
    habit.closed(3_000, ms(0))
    habit.closed(5_000, ms(0))
    expect(habit.trusted(ms(0))).toBe(1_500)
    habit.closed(2_000, ms(0))
    expect(habit.trusted(ms(0))).toBe(1_000)
  })

  it('is not trusted at all when the server closes them within a second', () => {
    const habit = new IdleHabit(ms(0))
    habit.closed(30, ms(0))
    expect(habit.trusted(ms(0))).toBe(0)
  })

  it('is trusted again after a while: a restart closes all, however young', () => {
    const habit = new IdleHabit(ms(0))
    habit.closed(1, ms(0))
    expect(habit.trusted(ms(90_000))).toBe(0)
    expect(habit.trusted(ms(100_000))).toBe(512)
  })
})
