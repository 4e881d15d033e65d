/** What has come of an answer and is not passed on yet: of a short one everything, of any other what travels with its head. */

/** Up to here a body travels with its head, in one text and one write. */
const INLINE = 16_384

export class HeldAnswer {
  text = ''
  /** What did not fit in there. */
  chunks: readonly Buffer[] = NONE
  /** It is to be held until it is whole. */
  untilWhole = false

  start(untilWhole: boolean): void {
    this.clear()
    this.untilWhole = untilWhole
  }

  clear(): void {
    this.text = ''
    this.chunks = NONE
    this.untilWhole = false
  }

  /** False: it is to be passed on, and these bytes behind it. */
  keep(bytes: Buffer, from: number, to: number): boolean {
    if (this.chunks === NONE && this.text.length + to - from <= INLINE) this.text += bytes.toString('latin1', from, to)
    else if (this.untilWhole) this.chunks = [...this.chunks, Buffer.from(bytes.subarray(from, to))]
    else return false
    return true
  }
}

const NONE: readonly Buffer[] = []
