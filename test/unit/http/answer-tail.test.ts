// What is kept of a delivered answer, and how a continuation is held against it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnswerTail } from '../../../src/http/answer-tail.ts'

const MOST = 1_024

/** Kept piece by piece, each from the middle of a larger buffer. */
function keep(tail: AnswerTail, bytes: Buffer, sizes: readonly number[]): void {
  let at = 0
  const give = (size: number): void => {
    const piece = Buffer.concat([Buffer.from('before'), bytes.subarray(at, at + size), Buffer.from('after')])
    tail.keep(piece, 6, piece.length - 5)
    at += size
  }
  for (const size of sizes) give(Math.min(size, bytes.length - at))
  give(bytes.length - at)
}

const pieces = fc.record({
  bytes: fc.uint8Array({ minLength: 1, maxLength: 4_000 }).map((bytes) => Buffer.from(bytes)),
  sizes: fc.array(fc.integer({ min: 0, max: 1_500 }), { maxLength: 12 }),
})

describe('the tail of an answer', () => {
  it('is its last 1,024 bytes or all of them, however they came', () => {
    fc.assert(
      fc.property(pieces, ({ bytes, sizes }) => {
        const tail = new AnswerTail()
        keep(tail, bytes, sizes)
        expect([tail.delivered, tail.length]).toEqual([bytes.length, Math.min(MOST, bytes.length)])
        expect(tail.matches(0, bytes, bytes.length - tail.length, bytes.length)).toBe(true)
      }),
    )
  })

  it('tells any byte that is another', () => {
    fc.assert(
      fc.property(pieces, fc.nat(), ({ bytes, sizes }, at) => {
        const tail = new AnswerTail()
        keep(tail, bytes, sizes)
        const other = Buffer.from(bytes.subarray(bytes.length - tail.length))
        const changed = at % other.length
        other[changed] = (other[changed] ?? 0) ^ 1
        expect(tail.matches(0, other, 0, other.length)).toBe(false)
        expect(tail.matches(changed, other, changed, changed + 1)).toBe(false)
        expect(tail.matches(0, other, 0, changed)).toBe(true)
      }),
    )
  })
})
