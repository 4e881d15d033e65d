import { describe, expect, it } from 'vitest'
import { OwnAllowance } from '../../src/core/allowance.ts'

describe('an allowance', () => {
  it('gives as much as there is, and what was given back', () => {
    const allowance = new OwnAllowance(3)
    expect([allowance.take(2), allowance.take(1), allowance.take(1)]).toEqual([true, true, false])
    allowance.giveBack(2)
    expect([allowance.take(2), allowance.take(1)]).toEqual([true, false])
  })

  it('takes nothing where it refuses', () => {
    const allowance = new OwnAllowance(3)
    expect(allowance.take(4)).toBe(false)
    expect(allowance.take(3)).toBe(true)
  })
})
