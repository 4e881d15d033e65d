/** Reads request heads from a connection's bytes, wherever the reads cut them: a head, a refusal, or not yet. */
import { HeadReader } from './head-reader.ts'
import type { HeadLimits } from './limits.ts'
import type { Refusal } from './request-head.ts'
import { RequestHead } from './request-head.ts'

/** `next`: where what follows the head begins. */
export type RequestRead =
  | Readonly<{ state: 'complete'; next: number }>
  | Readonly<{ state: 'partial' }>
  | Readonly<{ state: 'refused'; refusal: Refusal }>

const PARTIAL: RequestRead = { state: 'partial' }
const CR = 13
const LF = 10

export class RequestReader {
  readonly head = new RequestHead()
  private readonly limits: HeadLimits
  private readonly reader = new HeadReader()
  private emptyLine: 'none' | 'begun' | 'skipped' = 'none'

  constructor(limits: HeadLimits) {
    this.limits = limits
  }

  /** No byte of a next request has come. */
  get empty(): boolean {
    return this.reader.empty
  }

  /** The last request is done with. */
  clear(): void {
    this.reader.reset()
    this.emptyLine = 'none'
    this.head.method = ''
  }

  read(bytes: Buffer, from: number, to: number): RequestRead {
    const at = this.reader.empty ? this.skipEmptyLine(bytes, from, to) : from
    if (at < 0) return refused({ status: 400, reason: 'malformed line end' })
    if (at === to) return PARTIAL
    const read = this.reader.read(bytes, at, to, this.limits.headBytes)
    switch (read.state) {
      case 'partial':
        return PARTIAL
      case 'malformed':
        return refused({ status: 400, reason: 'malformed line end' })
      case 'too-long': {
        const limit = `over ${this.limits.headBytes} bytes`
        return refused(
          read.line ? { status: 414, reason: `request line ${limit}` } : { status: 431, reason: `head ${limit}` },
        )
      }
      case 'complete': {
        const refusal = this.head.parse(read.text, this.limits)
        return refusal ? refused(refusal) : { state: 'complete', next: read.next }
      }
    }
  }

  /** RFC 9112 §2.2: one empty line before a request is tolerated; some clients end their bodies with one. -1: a bare CR. */
  private skipEmptyLine(bytes: Buffer, from: number, to: number): number {
    let at = from
    if (this.emptyLine === 'none' && bytes[at] === CR) {
      this.emptyLine = 'begun'
      at++
    }
    if (this.emptyLine !== 'begun' || at === to) return at
    this.emptyLine = 'skipped'
    return bytes[at] === LF ? at + 1 : -1
  }
}

const refused = (refusal: Refusal): RequestRead => ({ state: 'refused', refusal })
