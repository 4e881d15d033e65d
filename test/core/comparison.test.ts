/** Which requests an upstream on trial gets, and when it does worse than the active. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Comparison } from '../../src/core/comparison.ts'

const picked = (share: number, count: number): boolean[] => {
  const comparison = new Comparison()
  return Array.from({ length: count }, () => comparison.picks(share))
}
const sum = (choices: readonly boolean[]) => choices.filter(Boolean).length

describe('the share', () => {
  it('is exact to within three, of any number of requests', () => {
    fc.assert(
      fc.property(fc.constantFrom(0.05, 0.25), fc.integer({ min: 1, max: 3_000 }), (share, count) => {
        expect(Math.abs(sum(picked(share, count)) - share * count)).toBeLessThanOrEqual(3)
      }),
      { seed: 20_260_101 },
    )
  })

  it('of one is all of them', () => expect(sum(picked(1, 500))).toBe(500))

  it.each([2, 4, 5, 20])('is the same of each of %i paths that clients ask for in turn', (paths) => {
    const choices = picked(0.25, 2_000 * paths)
    for (let path = 0; path < paths; path++) {
      const share = sum(choices.filter((_, index) => index % paths === path)) / 2_000
      expect(share).toBeGreaterThan(0.24)
      expect(share).toBeLessThan(0.26)
    }
  })
})

type Answers = { good?: number; bad?: number; took?: number | null }

function compare(trial: Answers, active: Answers): string | null {
  const comparison = new Comparison()
  for (const [side, { good = 0, bad = 0, took = 2 }] of [
    ['trial', trial],
    ['active', active],
  ] as const) {
    for (let n = 0; n < bad; n++) comparison.failed(side)
    for (let n = 0; n < good; n++) comparison.answered(side, took)
  }
  return comparison.worse()
}

describe('errors', () => {
  it('condemn an upstream on trial that always fails with its third answer', () => {
    expect(compare({ bad: 2 }, { good: 100 })).toBeNull()
    expect(compare({ bad: 3 }, { good: 100 })).toBe("3 of its 3 answers failed, 0 of 100 of the active's")
  })

  it.each([
    ['as many as the active has', { good: 95, bad: 5 }, { good: 950, bad: 50 }],
    ['a little more', { good: 92, bad: 8 }, { good: 950, bad: 50 }],
    ['where the active fails altogether', { bad: 100 }, { bad: 100 }],
    ['one, of few', { good: 4, bad: 1 }, { good: 100 }],
  ])('do not condemn it: %s', (_, trial, active) => expect(compare(trial, active)).toBeNull())

  it('condemn it when they are far more than the active has', () => {
    expect(compare({ good: 80, bad: 20 }, { good: 950, bad: 50 })).toMatch(/^20 of its 100 answers failed/)
  })

  it('are compared with nothing when the active has had no request', () =>
    expect(compare({ bad: 3 }, {})).not.toBeNull())

  it('condemn nobody by chance: one broken path, in a thousand trials of a hundred requests', () => {
    let random = 7
    const fails = () => {
      random = (random * 48_271) % 2_147_483_647
      return random / 2_147_483_647 < 0.05
    }
    let condemned = 0
    for (let trial = 0; trial < 1_000; trial++) {
      const comparison = new Comparison()
      for (let n = 0; n < 400; n++) fails() ? comparison.failed('active') : comparison.answered('active', 2)
      let worse: string | null = null
      for (let n = 0; n < 100; n++) {
        if (fails()) comparison.failed('trial')
        else comparison.answered('trial', 2)
        worse ??= comparison.worse()
      }
      if (worse !== null) condemned++
    }
    expect(condemned).toBeLessThan(30)
  })
})

describe('latency', () => {
  it('condemns what takes more than three times as long, and 25 ms', () => {
    expect(compare({ good: 60, took: 100 }, { good: 500, took: 20 })).toMatch(/^nine of ten of its answers take up to/)
    expect(compare({ good: 60, took: 60 }, { good: 500, took: 20 })).toBeNull()
  })

  it('forgives a cold cache of an upstream that is fast', () => {
    expect(compare({ good: 60, took: 20 }, { good: 500, took: 1 })).toBeNull()
  })

  it.each([0, 0.01, 0.25, 1, 17, 900, 59_000, 3_600_000])('knows %d ms to within a fifth, or as very long', (took) => {
    expect(compare({ good: 60, took }, { good: 60, took })).toBeNull()
    expect(compare({ good: 60, took: 3_600_000 }, { good: 60, took: Math.min(took, 17) })).not.toBeNull()
  })

  it('is not judged by few answers, nor by those that others had a part in', () => {
    expect(compare({ good: 49, took: 900 }, { good: 500, took: 1 })).toBeNull()
    expect(compare({ good: 60, took: 900 }, { good: 49, took: 1 })).toBeNull()
    expect(compare({ good: 60, took: null }, { good: 500, took: 1 })).toBeNull()
  })

  it('is that of most answers: a tenth may be slow', () => {
    const comparison = new Comparison()
    for (let n = 0; n < 500; n++) comparison.answered('active', 2)
    for (let n = 0; n < 100; n++) comparison.answered('trial', n < 9 ? 5_000 : 2)
    expect(comparison.worse()).toBeNull()
  })
})
