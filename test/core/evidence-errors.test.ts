/** Rule R4, an upstream that answers badly; rule R7, one whose traffic is fine; and since when it has been silent. */
import { describe, expect, it } from 'vitest'
import { RouteClass } from '../../src/core/answer-times.ts'
import { ms } from '../../src/core/time.ts'
import { Wait } from '../support/wait.ts'
import { START } from './support/build.ts'
import { times, Witness } from './support/witness.ts'

const ONE_PATH = ['GET /report']

describe('gateway errors in a row (R4)', () => {
  it('convict at the fifth, when more than one route class fails', () => {
    const witness = new Witness()
    const found = witness.answers(times(5, 503))
    // A probe is asked for in between, in case that it can confirm them.
    expect(found).toEqual(['nothing', 'confirm', 'nothing', 'nothing', 'convict errors'])
    expect(witness.detail).toBe('answers 503, 5 times in a row')
  })

  it('never convict on a single path, however many; the fifth asks for a probe', () => {
    const witness = new Witness()
    const found = witness.answers(times(500, 502), { classes: ONE_PATH })
    expect(found.filter((one) => one !== 'nothing')).toEqual(['confirm'])
    expect(found[4]).toBe('confirm')
  })

  it('start anew after any other answer', () => {
    const witness = new Witness()
    for (const good of [200, 404, 501, 505]) {
      expect(witness.answers([503, 503, 503, 503, good])).not.toContain('convict errors')
    }
  })

  it('on a second path long ago do not count', () => {
    const witness = new Witness()
    witness.answers([503], { classes: ['GET /cart'] })
    witness.pass(2_000)
    expect(witness.answers(times(20, 503), { classes: ONE_PATH })).not.toContain('convict errors')
  })

  it.each([
    ['truncated', 'answers are cut short'],
    ['reset', 'answers are cut off by a reset'],
    ['protocol', 'answers are not valid HTTP'],
  ] as const)('count a response that was %s', (kind, told) => {
    const witness = new Witness()
    const found = times(5, 0).map((_, n) => witness.pass(1).failed({ kind, phase: 'streaming' }, `GET /${n}`))
    expect(found.at(-1)).toBe('convict errors')
    expect(witness.detail).toContain(told)
  })
})

describe('gateway errors that a probe confirms (R4)', () => {
  it('convict at the third', () => {
    const witness = new Witness()
    witness.answers([503, 503])
    witness.evidence.probeAnswered(false, witness.pass(1).now)
    expect(witness.answers([503])).toEqual(['convict errors'])
  })

  it('are not confirmed by probes that were bad before, while requests were fine (R7)', () => {
    const witness = new Witness()
    witness.evidence.probeAnswered(false, witness.now)
    witness.answers([200, 503, 503])
    witness.evidence.probeAnswered(false, witness.pass(1).now)
    expect(witness.answers([503, 503, 503])).toEqual(['nothing', 'nothing', 'convict errors'])
  })

  it('are not confirmed by a probe from before a standstill of our own', () => {
    const witness = new Witness()
    witness.answers([503])
    witness.evidence.probeAnswered(false, witness.now)
    witness.evidence.forget(witness.now)
    expect(witness.answers([503, 503, 503], { apart: 0 })).not.toContain('convict errors')
  })

  it('are not confirmed once a probe was answered well again', () => {
    const witness = new Witness()
    witness.answers([503, 503])
    witness.evidence.probeAnswered(false, witness.pass(1).now)
    witness.evidence.probeAnswered(true, witness.pass(1).now)
    expect(witness.answers([503])).toEqual(['nothing'])
  })
})

describe('errors of any kind in a row (R4)', () => {
  it('convict at the fifteenth, when more than one route class fails', () => {
    const witness = new Witness()
    expect(witness.answers(times(15, 500))).toEqual([...times(14, 'nothing'), 'convict errors'])
    expect(witness.detail).toBe('answers 500, 15 times in a row')
  })

  it('never convict on a single path, and start anew after any good answer', () => {
    expect(new Witness().answers(times(100, 500), { classes: ONE_PATH })).toEqual(times(100, 'nothing'))
    const witness = new Witness()
    for (let round = 0; round < 5; round++) {
      expect(witness.answers([...times(14, 500), 200], { apart: 100 })).toEqual(times(15, 'nothing'))
    }
  })
})

describe('answers that begin well and are cut', () => {
  it('convict like any other that fails', () => {
    const witness = new Witness()
    const found = times(5, 0).map((_, n) => {
      witness.pass(1).began(200)
      return witness.failed({ kind: 'truncated', phase: 'held' }, `GET /${n}`)
    })
    expect(found.at(-1)).toBe('convict errors')
  })
})

describe('the share of good answers (R4)', () => {
  it('convicts under a half of at least twenty in a second', () => {
    const witness = new Witness()
    const found = witness.answers([...times(6, [200, 500, 500]).flat(), 500, 500], { classes: ['a', 'b', 'c'] })
    expect(found.indexOf('convict errors')).toBe(19)
    expect(witness.detail).toBe('answers 500: 14 of 20 failed in the last second')
  })

  it('says nothing about fewer than twenty', () => {
    const answers = [...times(9, 500), 200, ...times(9, 500)]
    expect(new Witness().answers(answers)).toEqual(times(19, 'nothing'))
    expect(new Witness().answers([...answers, 500]).at(-1)).toBe('convict errors')
  })

  it('bears a half', () => {
    const witness = new Witness()
    expect(witness.answers(times(50, [200, 500]).flat(), { classes: ['a', 'b', 'c'] })).toEqual(times(100, 'nothing'))
  })

  it('bears one path that always fails', () => {
    const witness = new Witness()
    expect(witness.answers(times(1_000, 500), { classes: ONE_PATH })).toEqual(times(1_000, 'nothing'))
  })

  it('bears one per cent of errors on any path for an hour', () => {
    const witness = new Witness()
    const statuses = times(36, [...times(99, 200), 500]).flat()
    const classes = times(7, 0).map((_, n) => `GET /${n}`)
    expect(witness.answers(statuses, { classes, apart: 1_000 })).toEqual(times(3_600, 'nothing'))
  })

  it('forgets everything when we ourselves stood still', () => {
    const witness = new Witness()
    witness.answers([...times(4, 503), ...times(15, 500)])
    witness.evidence.forget(witness.now)
    expect(witness.answers([503, 500, 500])).toEqual(times(3, 'nothing'))
  })

  it('keeps count of no more than 64 failing paths', () => {
    const witness = new Witness()
    const many = times(200, 0).map((_, n) => `GET /${n}`)
    const found = witness.answers(times(200, 500), { classes: many })
    expect(found.slice(19)).toEqual(times(181, 'convict errors'))
  })
})

describe('traffic that is fine (R7)', () => {
  it('is twenty good answers within two seconds', () => {
    const witness = new Witness()
    witness.answers(times(19, 200))
    expect(witness.evidence.trafficFine(witness.now)).toBe(false)
    witness.answers([304])
    expect(witness.evidence.trafficFine(witness.now)).toBe(true)
    expect(witness.evidence.trafficFine(witness.pass(2_000).now)).toBe(false)
  })

  it('is told apart from what was good in the last quarter of a second', () => {
    const witness = new Witness()
    witness.answers(times(100, 200))
    expect(witness.evidence.recentlyGood(witness.now)).toBe(100)
    expect(witness.evidence.recentlyGood(witness.pass(300).now)).toBe(0)
  })

  it('is not made of errors', () => {
    const witness = new Witness()
    witness.answers(times(100, 500))
    expect(witness.evidence.trafficFine(witness.now)).toBe(false)
  })
})

describe('silence', () => {
  const WAITED_FOR = new RouteClass('GET', '/', START)

  it('is none while no answer is due', () => {
    expect(new Witness().evidence.silentSince(null)).toBeNull()
  })

  it('begins with the first request that still waits, and ends when none does', () => {
    const { evidence } = new Witness()
    const [first, second] = [new Wait(), new Wait()]
    evidence.outstanding.add(first, WAITED_FOR, ms(1_000_100))
    evidence.outstanding.add(second, WAITED_FOR, ms(1_000_300))
    expect(evidence.silentSince(null)).toBe(1_000_100)
    evidence.outstanding.remove(first)
    expect(evidence.silentSince(null)).toBe(1_000_300)
    evidence.outstanding.remove(second)
    expect(evidence.silentSince(null)).toBeNull()
  })

  it('begins anew with every byte', () => {
    const { evidence } = new Witness()
    evidence.outstanding.add(new Wait(), WAITED_FOR, ms(1_000_100))
    evidence.byte(ms(1_000_400))
    expect(evidence.silentSince(null)).toBe(1_000_400)
  })

  it('begins with a probe that waits, when that was sent first', () => {
    const { evidence } = new Witness()
    expect(evidence.silentSince(ms(1_000_050))).toBe(1_000_050)
    evidence.outstanding.add(new Wait(), WAITED_FOR, ms(1_000_100))
    expect(evidence.silentSince(ms(1_000_050))).toBe(1_000_050)
    expect(evidence.silentSince(ms(1_000_200))).toBe(1_000_100)
  })

  it('is improbable when it is twice as long as nearly all that were seen, once enough were', () => {
    const { evidence } = new Witness()
    evidence.outstanding.add(new Wait(), WAITED_FOR, ms(1_000_000))
    for (let at = 5; at < 1_000; at += 5) evidence.byte(ms(1_000_000 + at))
    expect(evidence.improbableSilence(ms(1_001_000))).toBeNull()
    for (let at = 1_000; at < 6_000; at += 5) evidence.byte(ms(1_000_000 + at))
    expect(evidence.improbableSilence(ms(1_006_000))).toBeGreaterThanOrEqual(10)
    expect(evidence.improbableSilence(ms(1_006_000))).toBeLessThanOrEqual(12)
  })

  it('while nothing was due teaches nothing', () => {
    const { evidence } = new Witness()
    for (let at = 0; at < 500_000; at += 1_000) evidence.byte(ms(1_000_000 + at))
    expect(evidence.improbableSilence(ms(1_500_000))).toBeNull()
  })
})
