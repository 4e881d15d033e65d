/** Rule R6: an upstream that says it is not the one to ask has its role looked at. */
import { describe, expect, it } from 'vitest'
import { Witness } from './support/witness.ts'

describe('an answer 421', () => {
  it('asks for a probe, at most once a second', () => {
    const witness = new Witness()
    expect(witness.answered(421)).toBe('confirm')
    expect(witness.answered(421)).toBe('nothing')
    expect(witness.pass(999).answered(421)).toBe('nothing')
    expect(witness.pass(1).answered(421)).toBe('confirm')
  })

  it('has it probed, as GOAWAY has, and both together no more often', () => {
    const witness = new Witness()
    expect(witness.evidence.sentAway(witness.now)).toEqual({ type: 'confirm' })
    expect(witness.answered(421)).toBe('nothing')
    expect(witness.evidence.sentAway(witness.now)).toBeNull()
  })

  it('is no sign of traffic that is fine, either', () => {
    const witness = new Witness()
    for (let n = 0; n < 100; n++) witness.pass(10).answered(421)
    expect(witness.evidence.trafficFine(witness.now)).toBe(false)
  })

  it('is no error: it convicts nobody, however many come', () => {
    const witness = new Witness()
    for (let n = 0; n < 100; n++) {
      expect(witness.pass(20).answered(421, `GET /path${n % 3}`)).not.toMatch(/convict/)
    }
    for (let n = 0; n < 4; n++) expect(witness.pass(20).answered(503, `GET /path${n % 3}`)).not.toMatch(/convict/)
  })
})
