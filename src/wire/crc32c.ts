/** The checksum that a PROXY header may carry: CRC-32C (RFC 9260, appendix A), which zlib does not have. */

const POLYNOMIAL = 0x82f6_3b78
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1
  return remainder
})

/** Of the whole header, its own four bytes at `at` taken as zero. */
export function checksumOf(header: Buffer, at: number): number {
  let remainder = 0xffff_ffff
  for (let i = 0; i < header.length; i++) {
    const byte = i >= at && i < at + 4 ? 0 : (header[i] ?? 0)
    remainder = (table[(remainder ^ byte) & 0xff] ?? 0) ^ (remainder >>> 8)
  }
  return ~remainder >>> 0
}

export const checksumHolds = (header: Buffer, at: number): boolean => header.readUInt32BE(at) === checksumOf(header, at)
