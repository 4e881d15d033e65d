import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EarlyBytes } from '../../../src/tcp/early-bytes.ts'

test('what was added comes out in order, whatever the pieces, though the source is overwritten', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 40 })
  fc.assert(
    fc.property(pieces, (given) => {
      const early = new EarlyBytes()
      const source = Buffer.alloc(1_000)
      for (const piece of given) {
        source.set(piece)
        early.add(source, piece.length)
        source.fill(0xff)
      }
      expect(early.size).toBe(given.reduce((sum, { length }) => sum + length, 0))
      expect(early.take().equals(Buffer.concat(given))).toBe(true)
      expect(early.size).toBe(0)
    }),
  )
})

test('what was taken stays as it is when more is added', () => {
  const early = new EarlyBytes()
  early.add(Buffer.from('first'), 5)
  const taken = early.take()
  early.add(Buffer.from('other'), 5)
  expect(taken.toString()).toBe('first')
})

test('a client that speaks byte by byte costs little more than its bytes', () => {
  const early = new EarlyBytes()
  const before = process.memoryUsage().arrayBuffers
  const one = Buffer.from('x')
  for (let count = 0; count < 65_536; count++) early.add(one, 1)
  expect(early.size).toBe(65_536)
  // The buffers it has outgrown may not have been collected yet: together they are as large as the last.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 65_536)
})
