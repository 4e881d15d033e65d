/** Collects the bytes of one head until its empty line, wherever the reads cut it. */

const END = '\r\n\r\n'

export type HeadRead =
  | Readonly<{ state: 'complete'; text: string; next: number }>
  | Readonly<{ state: 'partial' }>
  /** `line`: the first line alone is. */
  | Readonly<{ state: 'too-long'; line: boolean }>
  /** A line that ends without CR, or a CR alone: no empty line will ever come that counts. */
  | Readonly<{ state: 'malformed' }>

const PARTIAL: HeadRead = { state: 'partial' }
const MALFORMED: HeadRead = { state: 'malformed' }

export class HeadReader {
  /** What came of a head whose end has not come yet. */
  private begun = ''

  get empty(): boolean {
    return this.begun === ''
  }

  reset(): void {
    this.begun = ''
  }

  read(bytes: Buffer, from: number, to: number, maximum: number): HeadRead {
    if (this.begun === '') {
      const found = bytes.indexOf(END, from, 'latin1')
      // The buffer goes on behind `to` with bytes of earlier reads: an end found there is none.
      if (found >= 0 && found + END.length <= to) {
        const next = found + END.length
        if (next - from > maximum) return tooLong(bytes.toString('latin1', from, from + maximum))
        return { state: 'complete', text: bytes.toString('latin1', from, next), next }
      }
    }
    const before = this.begun.length
    const text = this.begun + bytes.toString('latin1', from, Math.min(to, from + maximum + END.length - before))
    const found = text.indexOf(END, Math.max(0, before - END.length + 1))
    if (found >= 0 && found + END.length <= maximum) {
      this.begun = ''
      const length = found + END.length
      return { state: 'complete', text: text.slice(0, length), next: from + length - before }
    }
    this.begun = text
    if (/[^\r]\n|^\n|\r[^\n]|\0/.test(text)) return MALFORMED
    return text.length > maximum ? tooLong(text) : PARTIAL
  }
}

const tooLong = (beginning: string): HeadRead => ({ state: 'too-long', line: !beginning.includes('\r\n') })
