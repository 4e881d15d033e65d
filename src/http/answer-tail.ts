/**
 * The last bytes that a client got of an answer. Another upstream's continuation has to begin with them: an ETag is what
 * somebody says, these are what was sent.
 */
const MOST = 1_024

export class AnswerTail {
  /** Bytes delivered. */
  delivered = 0
  private readonly bytes = Buffer.allocUnsafe(MOST)
  private size = 0

  /** How many of the last bytes are known. */
  get length(): number {
    return this.size
  }

  keep(bytes: Buffer, from: number, to: number): void {
    const added = Math.min(to - from, MOST)
    const staying = Math.min(this.size, MOST - added)
    this.bytes.copyWithin(0, this.size - staying, this.size)
    bytes.copy(this.bytes, staying, to - added, to)
    this.size = staying + added
    this.delivered += to - from
  }

  /** Whether these bytes are the kept ones from `at` on. */
  matches(at: number, bytes: Buffer, from: number, to: number): boolean {
    return this.bytes.compare(bytes, from, to, at, at + to - from) === 0
  }
}
