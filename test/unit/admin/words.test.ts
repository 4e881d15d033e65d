import { describe, expect, it } from 'vitest'
import { listed, sentence, span, timeLeft } from '../../../src/admin/words.ts'
import { ms } from '../../../src/core/time.ts'

describe('lengths of time', () => {
  it.each([
    [0, '0 ms'],
    [820.9, '820 ms'],
    [12_999, '12s'],
    [192_000, '3m 12s'],
    [3_600_000, '1h 0m'],
    [187_200_000, '2d 4h'],
  ])('%d ms is read as %s', (length, words) => {
    expect(span(5, 5 + length)).toBe(words)
  })

  it('never counts backwards', () => {
    expect(span(10, 5)).toBe('0 ms')
  })

  it('rounds the time left up, so that what was promised has come true', () => {
    expect(timeLeft(ms(1_100), ms(0))).toBe('2s')
    expect(timeLeft(ms(10), ms(0))).toBe('1s')
  })
})

it('lists as people do', () => {
  expect(listed([])).toBe('')
  expect(listed(['a'])).toBe('a')
  expect(listed(['a', 'b', 'c'])).toBe('a, b and c')
})

it('ends a sentence once', () => {
  expect(sentence('it is so')).toBe('it is so.')
  expect(sentence('it is so.')).toBe('it is so.')
})
