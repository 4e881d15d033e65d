/** How many answers of 500 may be tried elsewhere. */
import { describe, expect, it } from 'vitest'
import { ReplayBudget } from '../../src/core/replay-budget.ts'

/** Spends while it can; how often it could. */
function exhaust(budget: ReplayBudget): number {
  let spent = 0
  for (; budget.left; spent++) budget.spend()
  return spent
}

describe('the replay budget', () => {
  it('bears a burst of fifty', () => {
    expect(exhaust(new ReplayBudget())).toBe(50)
  })

  it('grows by a tenth of the traffic', () => {
    const budget = new ReplayBudget()
    exhaust(budget)
    for (let n = 0; n < 200; n++) budget.earn()
    expect(exhaust(budget)).toBeGreaterThanOrEqual(19)
    for (let n = 0; n < 9; n++) budget.earn()
    expect(exhaust(budget)).toBeLessThanOrEqual(1)
  })

  it('does not save up more than the burst', () => {
    const budget = new ReplayBudget()
    for (let n = 0; n < 10_000; n++) budget.earn()
    expect(exhaust(budget)).toBe(50)
  })
})
