import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WebSocketFrames } from '../../../src/wire/websocket-frames.ts'

type Frame = Readonly<{ opcode: number; final: boolean; compressed: boolean; length: number }>

function bytesOf({ opcode, final, compressed, length }: Frame): Buffer {
  const head = [(final ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode]
  if (length < 126) head.push(length)
  else if (length < 65_536) head.push(126, length >> 8, length & 255)
  else head.push(127, 0, 0, 0, 0, 0, (length >> 16) & 255, (length >> 8) & 255, length & 255)
  // A payload that looks like headers, should anybody take it for one.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 0x88)])
}

const frame = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  final: fc.boolean(),
  compressed: fc.boolean(),
  length: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(65_535, 65_536, 70_000)),
})
const REPEATABLE = { seed: 20_260_101, numRuns: 300 }

describe('frames of a server', () => {
  it('have room for a Close behind every one of them and nowhere else, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(70_100), { maxLength: 12 }),
        (sent, at) => {
          const parts = sent.map(bytesOf)
          const ends = new Set([0])
          let total = 0
          for (const { length } of parts) {
            total += length
            ends.add(total)
          }
          const all = Buffer.concat(parts)
          const cuts = [...new Set([...ends, ...at.map((each) => each % (total + 1)), total])].sort((a, b) => a - b)
          const frames = new WebSocketFrames()
          let done = 0
          for (const cut of cuts) {
            frames.read(all, done, cut)
            done = cut
            expect(frames.farewell() !== null, `after ${cut} of ${total}`).toBe(ends.has(cut))
          }
        },
      ),
      REPEATABLE,
    )
  })

  it('end with the Close frame 1012 (RFC 6455 §7.4.1, the registry of close codes)', () => {
    expect(new WebSocketFrames().farewell()).toEqual(Buffer.from([0x88, 0x02, 0x03, 0xf4]))
  })

  it.each([
    ['a Close of its own', [0x88, 0x02, 0x03, 0xe8]],
    ['a frame that is masked', [0x81, 0x80, 1, 2, 3, 4]],
    ['bits that nobody has defined', [0xa1, 0x00]],
    ['text that is no frame', [...Buffer.from('hello')]],
    ['a frame larger than anything', [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]],
  ])('are followed by nothing of ours after %s', (_, bytes) => {
    const frames = new WebSocketFrames()
    frames.read(Buffer.from(bytes), 0, bytes.length)
    frames.read(Buffer.alloc(300), 0, 300)
    expect(frames.farewell()).toBeNull()
  })
})
