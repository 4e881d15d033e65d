/** Counting over the last stretch of time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ms } from '../../src/core/time.ts'
import { SlidingCount } from '../../src/core/window.ts'

const SPAN = 1_000
const BUCKETS = 10
const WIDTH = SPAN / BUCKETS

/** Remembers every instant, and counts those whose bucket is still inside. */
class NaiveCount {
  private seen: number[] = []

  add(now: number): void {
    this.seen.push(now)
  }

  sum(now: number): number {
    return this.seen.filter((at) => Math.floor(at / WIDTH) > Math.floor(now / WIDTH) - BUCKETS).length
  }

  clear(): void {
    this.seen = []
  }
}

const step = fc.record({
  pause: fc.oneof(fc.nat(60), fc.nat(400), fc.nat(3_000)),
  action: fc.constantFrom('add', 'add', 'add', 'sum', 'clear'),
})

describe('a sliding count', () => {
  it('agrees with a model that remembers everything', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const count = new SlidingCount(SPAN, BUCKETS)
        const model = new NaiveCount()
        let now = 1_000_000
        for (const { pause, action } of steps) {
          now += pause
          if (action === 'add') {
            count.add(ms(now))
            model.add(now)
          } else if (action === 'clear') {
            count.clear()
            model.clear()
          }
          expect(count.sum(ms(now))).toBe(model.sum(now))
        }
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('never counts what is older than its span, and never forgets what is younger than all but one bucket', () => {
    const count = new SlidingCount(SPAN, BUCKETS)
    count.add(ms(5_099))
    expect(count.sum(ms(5_099 + SPAN - WIDTH))).toBe(1)
    expect(count.sum(ms(5_099 + SPAN))).toBe(0)
  })

  it('empties itself after an idle gap', () => {
    const count = new SlidingCount(SPAN, BUCKETS)
    for (let n = 0; n < 50; n++) count.add(ms(1_000 + n))
    expect(count.sum(ms(3_600_000))).toBe(0)
  })

  it('keeps counting when the clock stands still or steps back', () => {
    const count = new SlidingCount(SPAN, BUCKETS)
    count.add(ms(5_000))
    count.add(ms(4_000))
    expect(count.sum(ms(4_500))).toBe(2)
    expect(count.sum(ms(5_000))).toBe(2)
  })
})
