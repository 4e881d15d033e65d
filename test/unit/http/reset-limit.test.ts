import { describe, expect, it } from 'vitest'
import { ms } from '../../../src/core/time.ts'
import { ResetLimit } from '../../../src/http/reset-limit.ts'

/** How many of `count` resets were one too many. */
function resets(limit: ResetLimit, count: number, now: number): number {
  let excess = 0
  for (let done = 0; done < count; done++) if (limit.reset(ms(now))) excess++
  return excess
}

describe('resets', () => {
  it('are too many from the 101st within a second', () => {
    const limit = new ResetLimit(ms(0))
    expect(resets(limit, 100, 0)).toBe(0)
    expect(resets(limit, 1, 999)).toBe(1)
  })

  it('are counted anew every second', () => {
    const limit = new ResetLimit(ms(0))
    for (let second = 0; second < 10; second++) expect(resets(limit, 100, second * 1_000)).toBe(0)
  })

  it('are too many when a thousand more of them than of answers have come', () => {
    const limit = new ResetLimit(ms(0))
    for (let second = 0; second < 20; second++) expect(resets(limit, 50, second * 1_000)).toBe(0)
    expect(resets(limit, 1, 30_000)).toBe(1)
  })

  it('may go on for ever as long as as much is answered', () => {
    const limit = new ResetLimit(ms(0))
    for (let second = 0; second < 100; second++) {
      expect(resets(limit, 50, second * 1_000)).toBe(0)
      for (let done = 0; done < 50; done++) limit.answered()
    }
  })

  it('get no credit for answers of the past', () => {
    const limit = new ResetLimit(ms(0))
    for (let done = 0; done < 5_000; done++) limit.answered()
    for (let second = 0; second < 10; second++) resets(limit, 100, second * 1_000)
    expect(resets(limit, 1, 30_000)).toBe(1)
  })
})
