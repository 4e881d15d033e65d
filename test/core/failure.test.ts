/** What the kinds of failure have in common. */
import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/core/failure.ts'
import { isFailureStatus, isUnansweredConnect, isUnprocessedStatus } from '../../src/core/failure.ts'

describe('a status', () => {
  it.each([500, 502, 503, 504, 421, 425])('of %d might have been better elsewhere', (status) => {
    expect(isFailureStatus(status)).toBe(true)
  })

  it.each([200, 304, 404, 408, 429, 501, 505])('of %d is the answer', (status) => {
    expect(isFailureStatus(status)).toBe(false)
  })

  it.each([421, 425])('of %d proves that nothing was done', (status) => {
    expect(isUnprocessedStatus(status)).toBe(true)
    expect(isUnprocessedStatus(status + 1)).toBe(false)
  })
})

describe('a connect', () => {
  const failure: Failure = {
    phase: 'connecting',
    blame: 'upstream',
    connection: 'fresh',
    kind: 'timeout',
    detail: 'no connection within 400 ms',
    status: 0,
  }

  it('is unanswered when nothing at all came back', () => {
    expect(isUnansweredConnect(failure)).toBe(true)
    expect(isUnansweredConnect({ ...failure, kind: 'refused' })).toBe(false)
    expect(isUnansweredConnect({ ...failure, phase: 'awaiting-head' })).toBe(false)
  })
})
