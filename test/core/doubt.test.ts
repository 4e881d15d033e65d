/** What becomes of a new request while the active is in doubt: a table, and rule R5 beside it. */
import { describe, expect, it } from 'vitest'
import type { Doubt } from '../../src/core/doubt.ts'
import { assign } from '../../src/core/doubt.ts'
import { epoch } from '../../src/core/epoch.ts'
import { GrayFailure } from '../../src/core/gray.ts'
import type { Route } from '../../src/core/route.ts'
import { ms } from '../../src/core/time.ts'
import { BLUE, GREEN } from './support/build.ts'

const route = (change: Partial<Route> = {}): Route => ({
  epoch: epoch(1),
  active: BLUE,
  fallback: GREEN,
  gate: 'open',
  automatic: true,
  trial: null,
  ...change,
})

describe('a new request', () => {
  it.each<[Doubt, boolean, boolean, string | null]>([
    ['none', true, true, BLUE],
    ['none', false, true, BLUE],
    ['hesitant', true, true, BLUE],
    ['hesitant', false, true, null],
    ['suspect', true, true, GREEN],
    ['suspect', true, false, BLUE],
    ['suspect', false, true, null],
  ])('in doubt %s, safe %s, standby may read %s, goes to %s', (doubt, safe, standbyReads, target) => {
    expect(assign(route(), doubt, safe, standbyReads)).toBe(target)
  })

  it('stays with the active in doubt when there is no standby to go to', () => {
    expect(assign(route({ fallback: null }), 'suspect', true, true)).toBe(BLUE)
  })

  it('waits while the gate is shut, whatever is believed', () => {
    expect(assign(route({ gate: 'hold' }), 'none', true, true)).toBeNull()
  })

  it('is not held for a decision that nobody will take by himself', () => {
    expect(assign(route({ automatic: false, fallback: null }), 'suspect', false, true)).toBe(BLUE)
  })
})

describe('a gray failure (R5)', () => {
  const STALLED = { phi: 8, classes: 2, overdue: 30 }

  function lasting(change: Partial<typeof STALLED>, good: number, standbyFast = true): boolean {
    const gray = new GrayFailure()
    let found = false
    for (let at = 0; at <= 2_000; at += 20) found ||= gray.check({ ...STALLED, ...change }, good, standbyFast, ms(at))
    return found
  }

  it('is two seconds of stalled requests of two kinds, while hardly any is answered and the standby is quick', () => {
    expect(lasting({}, 0)).toBe(true)
    const gray = new GrayFailure()
    expect(gray.check(STALLED, 0, true, ms(0))).toBe(false)
    expect(gray.check(STALLED, 0, true, ms(1_999))).toBe(false)
    expect(gray.check(STALLED, 0, true, ms(2_000))).toBe(true)
  })

  it('is none when one endpoint alone stalls, when Φ is lower, or when more is answered than is overdue', () => {
    expect(lasting({ classes: 1 }, 0)).toBe(false)
    expect(lasting({ phi: 7.9 }, 0)).toBe(false)
    expect(lasting({}, 30)).toBe(false)
  })

  it('is none when the standby is slow, too: it may be us, or the network', () => {
    expect(lasting({}, 0, false)).toBe(false)
  })

  it('has to last without a break', () => {
    const gray = new GrayFailure()
    gray.check(STALLED, 0, true, ms(0))
    gray.check(STALLED, 100, true, ms(1_000))
    expect(gray.check(STALLED, 0, true, ms(2_000))).toBe(false)
    expect(gray.check(STALLED, 0, true, ms(3_999))).toBe(false)
    gray.reset()
    expect(gray.check(STALLED, 0, true, ms(4_000))).toBe(false)
    expect(gray.check(STALLED, 0, true, ms(6_000))).toBe(true)
  })
})
