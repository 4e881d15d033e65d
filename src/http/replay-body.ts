/**
 * The request as it was sent, kept for as long as it may have to be sent again. Over its limits it gives up the *replay*,
 * never the request.
 */
import type { Allowance } from '../core/allowance.ts'

/** Up to here a body travels with its head, in one text and one write. */
const INLINE = 16_384

export class ReplayBody {
  /** Head, and the beginning of the body. */
  text = ''
  chunks: Buffer[] = []
  /** Everything read so far is still here. */
  kept = true
  size = 0
  private taken = 0
  private readonly limit: number
  private readonly budget: Allowance

  constructor(limit: number, budget: Allowance) {
    this.limit = limit
    this.budget = budget
  }

  start(head: string): void {
    this.release()
    this.text = head
    this.kept = true
    this.size = 0
  }

  /** Bytes in memory, head included. */
  get memory(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, this.text.length)
  }

  /** Not sent yet: must be kept whatever the limits. Returns false when no more should be read for now. */
  keepUnsent(bytes: Buffer, from: number, to: number): boolean {
    this.store(bytes, from, to)
    return this.size <= this.limit
  }

  /** Already sent on: kept only within the limits. */
  keepSent(bytes: Buffer, from: number, to: number): void {
    if (!this.kept) return
    const length = to - from
    if (this.size + length <= this.limit && this.budget.take(length)) {
      this.taken += length
      this.store(bytes, from, to)
    } else this.giveUp()
  }

  /** All of it was sent: what was kept beyond the limit only because it was unsent can go. */
  trim(): void {
    if (this.size > this.limit) this.giveUp()
  }

  release(): void {
    this.budget.giveBack(this.taken)
    this.taken = 0
    this.text = ''
    if (this.chunks.length > 0) this.chunks = []
  }

  private store(bytes: Buffer, from: number, to: number): void {
    const length = to - from
    if (this.chunks.length === 0 && this.size + length <= INLINE) this.text += bytes.toString('latin1', from, to)
    else this.chunks.push(Buffer.from(bytes.subarray(from, to)))
    this.size += length
  }

  private giveUp(): void {
    this.release()
    this.kept = false
  }
}
