// Whether traffic has moved, told from who answered, must not be confused by single answers from elsewhere.
import { describe, expect, it } from 'vitest'
import type { Row } from '../../../bench/load/row.ts'
import { switchesSeen } from '../../../bench/load/switches.ts'

/** A request each 5 ms, answered by whoever `who` says. */
const answers = (from: number, to: number, who: (index: number) => string | null): Row[] =>
  Array.from({ length: (to - from) / 5 }, (_, i) => ({
    id: `${from}-${i}`,
    method: 'GET',
    path: '/',
    slow: false,
    due: from + i * 5,
    start: from + i * 5,
    end: from + i * 5 + 2,
    status: 200,
    error: null,
    origin: who(i),
    thinkMs: 0,
    reusedConnection: true,
  }))

const all = (origin: string | null) => () => origin

describe('a switch is seen', () => {
  it('at the first request that the new majority has answered', () => {
    const rows = [...answers(0, 1_020, all('primary')), ...answers(1_020, 2_000, all('standby'))]
    expect(switchesSeen(rows)).toEqual([1_020])
  })

  it('there and back', () => {
    const rows = [
      ...answers(0, 1_000, all('primary')),
      ...answers(1_000, 1_500, all('standby')),
      ...answers(1_500, 2_000, all('primary')),
    ]
    expect(switchesSeen(rows)).toEqual([1_000, 1_500])
  })

  it('in whatever order the answers came', () => {
    const rows = [...answers(0, 1_000, all('primary')), ...answers(1_000, 2_000, all('standby'))]
    expect(switchesSeen(rows.reverse())).toEqual([1_000])
  })

  it('once, across a time without answers', () => {
    const silent = answers(1_000, 1_500, all('primary')).map((row): Row => ({ ...row, error: 'timeout' }))
    const rows = [...answers(0, 1_000, all('primary')), ...silent, ...answers(1_500, 2_000, all('standby'))]
    expect(switchesSeen(rows)).toEqual([1_500])
  })
})

describe('no switch is seen', () => {
  it('in single answers of the other one', () => {
    expect(switchesSeen(answers(0, 2_000, (i) => (i % 3 === 0 ? 'standby' : 'primary')))).toEqual([])
  })

  it('in the few answers of a time in which nearly everything failed', () => {
    const few = answers(1_000, 1_100, (i) => (i < 3 ? 'standby' : null))
    expect(
      switchesSeen([...answers(0, 1_000, all('primary')), ...few, ...answers(1_100, 2_000, all('primary'))]),
    ).toEqual([])
  })

  it('in slow requests that were under way', () => {
    const replayed = answers(900, 950, all('standby')).map((row): Row => ({ ...row, slow: true }))
    expect(switchesSeen([...answers(0, 910, all('primary')), ...replayed])).toEqual([])
  })

  it('where answers do not tell their origin', () => {
    expect(switchesSeen(answers(0, 1_000, all(null)))).toEqual([])
  })
})
