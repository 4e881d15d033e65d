/** How long something usually takes: shares and limits, right to within the width of a bucket, and fading. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Latencies } from '../../src/core/latencies.ts'
import { ms } from '../../src/core/time.ts'

const NOW = ms(1_000_000)

function seen(times: readonly number[], at = NOW): Latencies {
  const latencies = new Latencies(at)
  for (const time of times) latencies.add(time, at)
  return latencies
}

describe('the share that takes at least as long', () => {
  it('falls from all to almost none', () => {
    const latencies = seen([1, 2, 4, 8, 16, 32, 64, 128, 256])
    expect(latencies.survival(0, NOW)).toBe(1)
    expect(latencies.survival(20, NOW)).toBeCloseTo(5 / 10)
    expect(latencies.survival(1_000, NOW)).toBeCloseTo(1 / 10)
  })

  it('is never none: what has not been seen may still come', () => {
    expect(seen([1, 1, 1]).survival(1e9, NOW)).toBe(1 / 4)
    expect(seen([]).survival(1e9, NOW)).toBe(1)
  })

  it('never grows with the time', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 300_000, noNaN: true })), (times) => {
        const latencies = seen(times)
        let last = 1
        for (let time = 0.1; time < 400_000; time *= 1.3) {
          const share = latencies.survival(time, NOW)
          expect(share).toBeLessThanOrEqual(last)
          last = share
        }
      }),
    )
  })
})

describe('the time that a share exceeds', () => {
  it('is unknown before anything was seen', () => {
    expect(seen([]).exceededBy(0.01, NOW)).toBeNull()
  })

  it('is right to within an eighth, or a quarter of a millisecond', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 200_000, noNaN: true }), { minLength: 1 }), (times) => {
        const sorted = [...times].sort((a, b) => b - a)
        const exact = Number(sorted[Math.floor(sorted.length * 0.01)])
        const found = Number(seen(times).exceededBy(0.01, NOW))
        expect(found).toBeGreaterThanOrEqual(exact)
        expect(found).toBeLessThanOrEqual(Math.max(exact * 1.126, exact + 0.251))
      }),
    )
  })

  it('is bounded for what takes longer than anything is measured', () => {
    expect(seen([1e12]).exceededBy(0.01, NOW)).toBe(262_144)
  })
})

describe('what was seen', () => {
  it('counts half after ten minutes', () => {
    const latencies = seen(Array.from({ length: 1_000 }, () => 10))
    latencies.add(10, ms(NOW + 600_000))
    expect(latencies.weight).toBeCloseTo(501)
  })

  it('is looked at anew once a second, or when there is twice as much of it', () => {
    const latencies = seen([1, 1, 1, 1])
    expect(latencies.survival(100, NOW)).toBeCloseTo(1 / 5)
    for (let count = 0; count < 4; count++) latencies.add(200, NOW)
    expect(latencies.survival(100, NOW)).toBeCloseTo(1 / 5)
    expect(latencies.survival(100, ms(NOW + 1_000))).toBeCloseTo(5 / 9)
    for (let count = 0; count < 100; count++) latencies.add(200, ms(NOW + 1_000))
    expect(latencies.survival(100, ms(NOW + 1_000))).toBeCloseTo(105 / 109)
  })

  it('gives way to what is new', () => {
    const latencies = seen(Array.from({ length: 100 }, () => 1_000))
    const later = ms(NOW + 7_200_000)
    for (let count = 0; count < 100; count++) latencies.add(10, later)
    expect(latencies.exceededBy(0.01, later)).toBeLessThan(12)
  })
})
