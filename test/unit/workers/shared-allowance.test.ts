import { describe, expect, it } from 'vitest'
import { SharedAllowance, sharedSum } from '../../../src/workers/shared-allowance.ts'
import { clearCell } from '../../../src/workers/shared-cells.ts'

const pair = (limit: number) => {
  const sum = sharedSum(limit, 2)
  return { sum, one: new SharedAllowance(sum, 0), other: new SharedAllowance(sum, 1) }
}

describe('an allowance that threads share', () => {
  it('is one for all of them', () => {
    const { one, other } = pair(3)
    expect([one.take(2), other.take(1), one.take(1), other.take(1)]).toEqual([true, true, false, false])
    one.giveBack(1)
    expect([other.take(1), one.take(1)]).toEqual([true, false])
  })

  it('takes nothing where it refuses', () => {
    const { one, other } = pair(3)
    expect(one.take(4)).toBe(false)
    expect(other.take(3)).toBe(true)
  })

  it('has back what an ended thread had taken', () => {
    const { sum, one, other } = pair(3)
    expect([one.take(2), other.take(1)]).toEqual([true, true])
    clearCell(sum.cells, 0)
    expect([other.take(2), other.take(1)]).toEqual([true, false])
  })

  it('bears limits and amounts that no cell could hold', () => {
    const { one } = pair(Number.MAX_SAFE_INTEGER)
    expect([one.take(2 ** 40), one.take(2 ** 29), one.take(2 ** 29), one.take(1)]).toEqual([false, true, true, false])
  })
})
