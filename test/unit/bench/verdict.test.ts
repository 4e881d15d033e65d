// The bench's figures decide what we claim, so what is counted as what is pinned down here.
import { describe, expect, it } from 'vitest'
import type { Row } from '../../../bench/load/row.ts'
import { judge, longestGap } from '../../../bench/load/verdict.ts'
import type { Execution } from '../../../bench/origin/execution-log.ts'

const FAULT_AT = 1_000

const row = (id: string, fields: Partial<Row> = {}): Row => {
  const due = fields.due ?? 0
  return {
    id,
    method: 'GET',
    path: '/items/1',
    slow: false,
    due,
    start: due,
    end: due + 2,
    status: 200,
    error: null,
    origin: 'primary',
    thinkMs: 0,
    reusedConnection: true,
    ...fields,
  }
}

const execution = (id: string, fields: Partial<Execution> = {}): Execution => ({
  kind: 'executed',
  id,
  origin: 'primary',
  method: 'GET',
  at: 0,
  ...fields,
})

const verdictOf = (rows: Row[], executions: Execution[] = rows.map(({ id, method }) => execution(id, { method }))) =>
  judge({ rows, executions, faultAt: FAULT_AT, standby: 'standby' })

/** One good answer every `every` ms. */
const steady = (from: number, to: number, every: number, fields: Partial<Row> = {}): Row[] =>
  Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) =>
    row(`${from}-${i}`, { due: from + i * every, ...fields }),
  )

describe('failures', () => {
  it('are counted by kind of method, and by error', () => {
    const verdict = verdictOf([
      row('a'),
      row('b', { error: 'status', status: 502 }),
      row('c', { error: 'reset', status: 0, method: 'POST' }),
      row('d', { error: 'timeout', status: 0 }),
    ])
    expect(verdict).toMatchObject({ requests: 4, ok: 1, failedGet: 2, failedPost: 1 })
    expect(verdict.failuresByError).toEqual({ 'status 502': 1, reset: 1, timeout: 1 })
  })

  it('do not include a request that a closing connection never received', () => {
    const verdict = verdictOf([row('a', { error: 'keepalive-race', status: 0 })])
    expect(verdict).toMatchObject({ ok: 0, failedGet: 0, failedPost: 0, keepaliveRaces: 1 })
  })

  it('include answers that belong to another request', () => {
    expect(verdictOf([row('a', { error: 'wrong-answer' })])).toMatchObject({ failedGet: 1, wrongAnswers: 1 })
  })
})

describe('a failed POST is excused', () => {
  const failed = (fields: Partial<Row>): Row => row('p', { method: 'POST', error: 'status', status: 502, ...fields })

  it('when an origin executed it', () => {
    const rows = [failed({ due: FAULT_AT + 2_000 })]
    expect(verdictOf(rows, [execution('p')]).unexcusedFailedPost).toBe(0)
  })

  it('when an origin received and refused it', () => {
    const rows = [failed({ due: FAULT_AT + 2_000 })]
    expect(verdictOf(rows, [execution('p', { kind: 'refused' })]).unexcusedFailedPost).toBe(0)
  })

  it('when it was in flight at the fault', () => {
    expect(verdictOf([failed({ due: FAULT_AT - 30, end: FAULT_AT + 1 })], []).unexcusedFailedPost).toBe(0)
  })

  it('but not when it failed before the fault', () => {
    expect(verdictOf([failed({ due: FAULT_AT - 30, end: FAULT_AT - 10 })], []).unexcusedFailedPost).toBe(1)
  })

  it('and not when it came long after the fault and no origin ever saw it', () => {
    expect(verdictOf([failed({ due: FAULT_AT + 500 })], []).unexcusedFailedPost).toBe(1)
  })
})

describe('executions', () => {
  it('of one POST by two origins are a duplicate', () => {
    const twice = [execution('p', { method: 'POST' }), execution('p', { method: 'POST', origin: 'standby' })]
    expect(verdictOf([row('p', { method: 'POST' })], twice)).toMatchObject({ duplicatePost: 1, duplicateGet: 0 })
  })

  it('of one POST twice by the same origin are a duplicate', () => {
    const once = execution('p', { method: 'POST' })
    expect(verdictOf([row('p', { method: 'POST' })], [once, once])).toMatchObject({ duplicatePost: 1 })
  })

  it('of one GET twice are counted apart, since a replay is harmless', () => {
    const verdict = verdictOf([row('g')], [execution('g'), execution('g', { origin: 'standby' })])
    expect(verdict).toMatchObject({ duplicatePost: 0, duplicateGet: 1 })
  })

  it('after a refusal are no duplicate', () => {
    const entries = [execution('p', { kind: 'refused', method: 'POST' }), execution('p', { method: 'POST' })]
    expect(verdictOf([row('p', { method: 'POST' })], entries)).toMatchObject({ duplicatePost: 0 })
  })

  it('missing behind a success answer are lost acknowledgements', () => {
    expect(verdictOf([row('p')], [execution('p', { kind: 'refused' })]).acknowledgedNotExecuted).toBe(1)
  })

  it('need not stand behind an error that the scenario tolerates', () => {
    const rows = [row('p', { status: 500, tolerated: true }), row('q', { status: 0, tolerated: true })]
    expect(verdictOf(rows, []).acknowledgedNotExecuted).toBe(0)
  })

  it('behind a failure are told', () => {
    expect(verdictOf([row('p', { error: 'reset' })], [execution('p')]).executedButFailed).toBe(1)
  })
})

describe('the longest gap', () => {
  it('is the silence between two good answers after the fault', () => {
    const rows = [...steady(0, 1_000, 10), ...steady(1_250, 2_000, 10)]
    expect(longestGap(rows, FAULT_AT)).toBe(250)
  })

  it('starts at the last answer before the fault', () => {
    const rows = [...steady(0, 900, 10), ...steady(1_250, 2_000, 10)]
    expect(longestGap(rows, FAULT_AT)).toBe(350)
  })

  it('does not look at silences long before the fault', () => {
    const rows = [...steady(0, 100, 10), ...steady(600, 2_000, 10)]
    expect(longestGap(rows, FAULT_AT)).toBe(10)
  })

  it('lasts to the end of the load when answers never come back', () => {
    const rows = [...steady(0, 1_000, 10), row('late', { due: 3_000, error: 'timeout', status: 0, end: 8_000 })]
    expect(longestGap(rows, FAULT_AT)).toBe(3_000 - 1_002)
  })

  it('is not hidden by failed answers', () => {
    const rows = [
      ...steady(0, 1_000, 10),
      ...steady(1_010, 1_240, 10, { error: 'status', status: 503 }),
      ...steady(1_250, 2_000, 10),
    ]
    expect(longestGap(rows, FAULT_AT)).toBe(250)
  })
})

describe('the first answer of the standby', () => {
  it('is timed from the fault', () => {
    const rows = [row('a', { due: 990 }), row('b', { due: 1_005, end: 1_020, origin: 'standby' })]
    expect(verdictOf(rows).standbyAfterMs).toBe(20)
  })

  it('is null when the standby never answered well', () => {
    const rows = [row('a', { due: 1_005, origin: 'standby', error: 'status', status: 500 })]
    expect(verdictOf(rows).standbyAfterMs).toBeNull()
  })
})

describe('latency', () => {
  it('counts from the moment a request was due, however late it was sent', () => {
    expect(verdictOf([row('a', { due: 100, start: 400, end: 410 })]).latency.max).toBe(310)
  })

  it('leaves out the time of the application itself, the honest slow requests, and failures', () => {
    const rows = [
      row('a', { due: 0, end: 45, thinkMs: 40 }),
      row('b', { due: 0, end: 2_000, slow: true }),
      row('c', { due: 0, end: 5_000, error: 'timeout' }),
    ]
    expect(verdictOf(rows).latency).toEqual({ p50: 5, p99: 5, max: 5 })
  })

  it('of nothing is zero', () => {
    expect(verdictOf([]).latency).toEqual({ p50: 0, p99: 0, max: 0 })
  })
})

describe('an error answer that the scenario tolerates', () => {
  it('is no failure, and is counted apart', () => {
    const verdict = verdictOf([row('a'), row('b', { status: 500, tolerated: true })])
    expect(verdict).toMatchObject({ ok: 1, failedGet: 0, tolerated: 1 })
  })

  it('ends no gap', () => {
    const rows = [
      ...steady(0, 1_000, 10),
      ...steady(1_010, 1_240, 10, { status: 500, tolerated: true }),
      ...steady(1_250, 2_000, 10),
    ]
    expect(longestGap(rows, FAULT_AT)).toBe(250)
  })

  it('says nothing about latency', () => {
    const verdict = verdictOf([row('a'), row('b', { end: 5_000, status: 504, tolerated: true })])
    expect(verdict).toMatchObject({ worstGetMs: 2, latency: { max: 2 } })
  })
})

describe('the worst GET', () => {
  it('is what a client has waited for in all, in vain or not, the application included', () => {
    const rows = [row('a', { due: 0, end: 45, thinkMs: 40 }), row('b', { due: 0, end: 900, error: 'reset' })]
    expect(verdictOf(rows).worstGetMs).toBe(900)
    expect(verdictOf(rows.slice(0, 1)).worstGetMs).toBe(45)
  })

  it('is none of the honest slow ones, and no POST', () => {
    const rows = [row('a'), row('b', { end: 2_000, slow: true }), row('c', { end: 700, method: 'POST' })]
    expect(verdictOf(rows).worstGetMs).toBe(2)
  })
})

describe('switches', () => {
  const moved = [
    ...steady(0, 1_300, 10),
    ...steady(1_310, 1_900, 10, { origin: 'standby' }),
    ...steady(1_910, 3_000, 10),
  ]

  it('are what the clients saw, where the contender keeps no account', () => {
    expect(verdictOf(moved)).toMatchObject({ switches: 2, switchesSeen: 2, switchedAfterMs: 310 })
  })

  it('may seem to come before the fault, when requests that it met were answered elsewhere', () => {
    const rows = [...steady(0, 930, 10), ...steady(940, 2_000, 10, { origin: 'standby' })]
    expect(verdictOf(rows)).toMatchObject({ switches: 1, switchedAfterMs: 0 })
  })

  it('are those of the contender’s account, whatever the clients saw', () => {
    const verdict = judge({ rows: moved, executions: [], faultAt: FAULT_AT, standby: 'standby', switches: [1_250] })
    expect(verdict).toMatchObject({ switches: 1, switchesSeen: 2, switchedAfterMs: 250 })
  })

  it('do not count when the load has ended', () => {
    const verdict = judge({ rows: moved, executions: [], faultAt: FAULT_AT, standby: 'standby', switches: [3_100] })
    expect(verdict).toMatchObject({ switches: 0, switchedAfterMs: null })
  })
})

describe('the recovery', () => {
  it('is timed from the second act to the next good answer of anybody', () => {
    const rows = [row('a', { due: 1_900, end: 1_990 }), row('b', { due: 1_500, end: 2_070, origin: 'standby' })]
    const evidence = { rows, executions: [], faultAt: FAULT_AT, standby: 'standby' }
    expect(judge({ ...evidence, recoveryAt: 2_000 }).recoveredAfterMs).toBe(70)
    expect(judge({ ...evidence, recoveryAt: 3_000 }).recoveredAfterMs).toBeNull()
    expect(judge(evidence).recoveredAfterMs).toBeNull()
  })
})
