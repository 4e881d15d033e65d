/** How long traffic's verdict keeps an upstream out. */
import { describe, expect, it } from 'vitest'
import type { ConvictionRule, Ejection } from '../../src/core/ejection.ts'
import { eject } from '../../src/core/ejection.ts'
import { ms } from '../../src/core/time.ts'

/** Convicted at each of these moments, by the same rule. */
function ejected(rule: ConvictionRule, ...at: number[]): Ejection {
  const found = at.reduce<Ejection | null>((previous, now) => eject(previous, { rule, detail: 'x' }, ms(now)), null)
  if (!found) throw new Error('no conviction')
  return found
}

const length = (ejection: Ejection): number => ejection.until - ejection.since

describe('an ejection', () => {
  it.each(['crash', 'hang'] as const)('for a %s is short, for the probes tell when it is over', (rule) => {
    expect(length(ejected(rule, 0))).toBe(1_000)
    expect(length(ejected(rule, 0, 2_000, 4_000, 6_000))).toBe(1_000)
  })

  it.each(['errors', 'gray'] as const)('for %s doubles at every strike', (rule) => {
    expect(length(ejected(rule, 0))).toBe(10_000)
    expect(length(ejected(rule, 0, 20_000))).toBe(20_000)
    expect(length(ejected(rule, 0, 20_000, 60_000))).toBe(40_000)
  })

  it('never lasts longer than five minutes', () => {
    let ejection = ejected('errors', 0)
    for (let n = 0; n < 20; n++) ejection = eject(ejection, { rule: 'errors', detail: 'x' }, ejection.until)
    expect(length(ejection)).toBe(300_000)
  })

  it('forgets its strikes ten minutes after the last one was over', () => {
    expect(ejected('errors', 0, 10_000 + 599_999).strikes).toBe(2)
    expect(ejected('errors', 0, 10_000 + 600_000).strikes).toBe(1)
  })

  it('counts further convictions while it lasts as the same strike', () => {
    const ejection = ejected('errors', 0, 1, 2, 3, 4)
    expect(ejection).toMatchObject({ strikes: 1, since: 4, until: 10_004 })
  })
})
