/** What a client has said before an upstream took it. One buffer that grows, so that byte by byte costs no more than at once. */

const EMPTY = Buffer.alloc(0)
const SMALLEST = 512

export class EarlyBytes {
  size = 0
  private buffer = EMPTY

  /** Copies: the bytes are valid during the call only. */
  add(bytes: Buffer, length: number): void {
    const size = this.size + length
    if (size > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, size, 2 * this.buffer.length))
      this.buffer.copy(larger, 0, 0, this.size)
      this.buffer = larger
    }
    bytes.copy(this.buffer, this.size, 0, length)
    this.size = size
  }

  /** They are the caller's, and none are kept any more. */
  take(): Buffer {
    const taken = this.buffer.subarray(0, this.size)
    this.buffer = EMPTY
    this.size = 0
    return taken
  }
}
