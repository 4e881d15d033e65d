// PROXY headers: of any endpoints, and made by hand.

import fc from 'fast-check'
import type { Endpoint } from '../../../../src/wire/arrival.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Written here by hand, so that writer and reader do not only agree with each other. */
export function v2(command: number, family: number, block: Buffer): Buffer {
  const fixed = Buffer.from([command, family, block.length >> 8, block.length & 255])
  return Buffer.concat([SIGNATURE, fixed, block])
}
/** The addresses and ports of an IPv4 connection. */
export const TCP4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 7, 0xdb, 0x44, 0x01, 0xbb])
export const extension = (type: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 255]), value])

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4().map((v4) => `::ffff:${v4}`),
)
const endpoint: fc.Arbitrary<Endpoint> = fc.record({ address, port: fc.integer({ min: 0, max: 65_535 }) })
const version = fc.constantFrom('v1' as const, 'v2' as const)
export const header = fc.record({ version, source: endpoint, destination: endpoint })
