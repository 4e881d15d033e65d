import { describe, expect, it } from 'vitest'
import type { DrillFindings, DrillRequest } from '../../src/core/drill.ts'
import { judgeDrill } from '../../src/core/drill.ts'
import { ms } from '../../src/core/time.ts'

const answer = (status: number | null, latency = 5): DrillRequest => ({ at: ms(0), status, failure: null, latency })
const broken = (failure: string): DrillRequest => ({ at: ms(0), status: null, failure, latency: 1 })
const times = (count: number, request: DrillRequest): DrillRequest[] => Array.from({ length: count }, () => request)
const pass = { at: ms(0), verdict: 'pass', detail: '200 in 1 ms', latency: 1 } as const

const judge = (change: Partial<DrillFindings> = {}) =>
  judgeDrill({
    upstream: 'green',
    wanted: 4,
    probes: [pass, pass, pass],
    requests: times(4, answer(200)),
    active: { upstream: 'blue', requests: times(4, answer(200)) },
    ...change,
  })

describe('a standby is ready', () => {
  it('when its probes pass and its answers are those of the active', () => {
    expect(judge()).toEqual({
      verdict: 'ready',
      reasons: [],
      summary: { upstream: 'green', sent: 4, failed: 0, statuses: { 200: 4 }, p50: 5, p99: 5 },
      comparedWith: { upstream: 'blue', sent: 4, failed: 0, statuses: { 200: 4 }, p50: 5, p99: 5 },
      slower: false,
    })
  })

  it('when there is no active to compare with, or one that answers nothing', () => {
    expect(judge({ active: null })).toMatchObject({ verdict: 'ready', comparedWith: null, slower: false })
    const active = { upstream: 'blue', requests: times(4, broken('connection refused')) }
    expect(judge({ active })).toMatchObject({ verdict: 'ready', comparedWith: { p50: null }, slower: false })
  })

  it('when a TCP pool has its connections', () => {
    const active = { upstream: 'blue', requests: times(4, answer(null)) }
    expect(judge({ requests: times(4, answer(null)), active })).toMatchObject({ verdict: 'ready' })
  })
})

describe('a standby is not ready', () => {
  it.each([
    ['a probe fails', { probes: [pass, { ...pass, verdict: 'fail', detail: '503' }] }, '1 of 2 probes failed: 503'],
    ['it is leaving', { probes: [{ ...pass, verdict: 'leaving', detail: 'bye' }] }, '1 of 1 probes failed: bye'],
    ['no probe ends', { probes: [] }, 'no probe came to its end in time'],
    ['requests fail', { requests: [...times(3, answer(200)), broken('reset')] }, '1 of 4 requests failed: reset'],
    ['not all could be sent', { requests: times(3, answer(200)) }, 'only 3 of 4 requests were sent'],
    [
      'it answers with errors',
      { requests: [answer(200), answer(500), answer(503), answer(500)] },
      '3 of 4 requests were answered with 500, 503',
    ],
    ['it answers otherwise', { requests: times(4, answer(302)) }, 'answers 302 where blue answers 200'],
  ] as const)('when %s', (_, change, reason) => {
    expect(judge(change)).toMatchObject({ verdict: 'not-ready', reasons: [reason] })
  })

  it('although the active gives the same error', () => {
    const requests = times(4, answer(500))
    expect(judge({ requests, active: { upstream: 'blue', requests } }).reasons).toEqual([
      '4 of 4 requests were answered with 500',
    ])
  })

  it('and says so when it was given up', () => {
    expect(judge({ wanted: 20, requests: times(4, broken('no answer')) }).reasons).toEqual([
      '4 of 4 requests failed: no answer',
      'only 4 of 20 requests were sent',
    ])
  })
})

describe('latencies', () => {
  it('are those of what succeeded, in order of size', () => {
    const requests = [...[9, 1, 5, 3, 7].map((latency) => answer(200, latency)), broken('reset')]
    expect(judge({ requests }).summary).toMatchObject({ p50: 5, p99: 9, failed: 1 })
  })

  it.each([
    [60, 1, true],
    [60, 19, false],
    [50, 0, false],
    [300, 150, false],
  ])('%i ms against %i ms: slower is %s', (own, active, slower) => {
    const requests = times(4, answer(200, own))
    const compared = { upstream: 'blue', requests: times(4, answer(200, active)) }
    expect(judge({ requests, active: compared }).slower).toBe(slower)
  })
})
