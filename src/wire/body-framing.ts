/**
 * Follows a message body (RFC 9112 §6–7): knows where it ends and that it is well formed, and passes its bytes on as they
 * came, in as few pieces as possible. Chunk extensions are cut out; trailers are checked before they are passed on.
 */
import { Fields } from './fields.ts'
import type { BodyKind, Refusal } from './request-head.ts'

export interface BodySink {
  /** Bytes to send on, framing included. Valid during the call only. */
  onBody(bytes: Buffer, from: number, to: number): void
}

const CR = 13
const LF = 10
const SEMICOLON = 59
const MAX_SIZE_DIGITS = 12
const MAX_EXTENSION = 1_024
const MAX_TRAILERS = 4_096
const MAX_TRAILER_FIELDS = 32
/** RFC 9110 §6.5.1: what frames, routes or authenticates a message does not belong in a trailer. */
const FORBIDDEN_TRAILERS =
  /^(?:transfer-encoding|content-length|content-encoding|content-type|content-range|host|connection|keep-alive|te|trailer|upgrade|expect|max-forwards|cache-control|authorization|proxy-.*|cookie|set-cookie|via|forwarded|x-forwarded-.*|x-real-ip|client-cert.*|understudy-.*)$/i

type ChunkState = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers'

export class BodyFraming {
  kind: BodyKind = 'none'
  done = true
  /** What is wrong; once set, nothing more is read. */
  problem: Refusal | null = null
  private remaining = 0
  private state: ChunkState = 'size'
  private digits = 0
  private extension = 0
  private trailers = ''
  /** Only the data is passed on, without chunk framing: for receivers that have a framing of their own, or none. */
  private bare = false

  start(kind: BodyKind, length: number, bare = false): void {
    this.kind = kind
    this.done = kind === 'none'
    this.problem = null
    this.remaining = kind === 'length' ? length : 0
    this.state = 'size'
    this.digits = 0
    this.extension = 0
    this.trailers = ''
    this.bare = bare
  }

  /** The field lines behind a chunked body that was passed on without its framing; '' when there are none. */
  get bareTrailers(): string {
    return this.bare ? this.trailers : ''
  }

  /** Consumes what belongs to the body; returns where the rest begins. */
  read(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    switch (this.kind) {
      case 'none':
        return from
      case 'close':
        sink.onBody(bytes, from, to)
        return to
      case 'length': {
        const end = Math.min(to, from + this.remaining)
        this.remaining -= end - from
        this.done = this.remaining === 0
        if (end > from) sink.onBody(bytes, from, end)
        return end
      }
      case 'chunked':
        return this.readChunks(bytes, from, to, sink)
    }
  }

  private readChunks(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    /** Start of what has been checked and not passed on yet; -1 while skipping. */
    let kept = this.bare || this.state === 'extension' || this.state === 'trailers' ? -1 : from
    let at = from
    const pass = (end: number): void => {
      if (kept >= 0 && end > kept) sink.onBody(bytes, kept, end)
      kept = -1
    }
    while (at < to && !this.done && this.problem === null) {
      if (this.state === 'data') {
        const end = Math.min(to, at + this.remaining)
        if (this.bare) {
          kept = at
          pass(end)
        }
        this.remaining -= end - at
        at = end
        if (this.remaining === 0) this.state = 'data-cr'
        continue
      }
      if (this.state === 'trailers') {
        pass(at)
        at = this.readTrailers(bytes, at, to, sink)
        continue
      }
      const code = bytes[at] ?? 0
      if (this.state === 'size' && code === SEMICOLON && this.digits > 0) {
        pass(at)
        this.state = 'extension'
      } else if (this.state === 'extension') {
        if (code === CR) {
          this.state = 'size-lf'
          if (!this.bare) kept = at
        } else this.problem = this.extensionProblem(code)
      } else this.problem = this.readFraming(code)
      at++
    }
    if (this.problem === null) pass(at)
    return at
  }

  private extensionProblem(code: number): Refusal | null {
    if (++this.extension > MAX_EXTENSION) return { status: 413, reason: 'chunk extension too long' }
    return code < 32 && code !== 9 ? malformed('control character in a chunk extension') : null
  }

  /** One byte of a size line or of the CRLF after the data. */
  private readFraming(code: number): Refusal | null {
    switch (this.state) {
      case 'size': {
        if (code === CR && this.digits > 0) {
          this.state = 'size-lf'
          return null
        }
        const digit = hexDigit(code)
        if (digit < 0) return malformed('malformed chunk size')
        if (++this.digits > MAX_SIZE_DIGITS) return malformed('chunk size too large')
        this.remaining = this.remaining * 16 + digit
        return null
      }
      case 'size-lf':
        if (code !== LF) return malformed('malformed line end after a chunk size')
        this.state = this.remaining === 0 ? 'trailers' : 'data'
        this.digits = 0
        this.extension = 0
        return null
      case 'data-cr':
        if (code !== CR) return malformed('chunk longer than its size')
        this.state = 'data-lf'
        return null
      default:
        if (code !== LF) return malformed('malformed line end after a chunk')
        this.state = 'size'
        return null
    }
  }

  private readTrailers(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    const before = this.trailers.length
    this.trailers += bytes.toString('latin1', from, Math.min(to, from + MAX_TRAILERS + 1 - before))
    const end = this.trailers.startsWith('\r\n') ? 2 : this.trailers.indexOf('\r\n\r\n') + 4
    if (end >= 4 || this.trailers.startsWith('\r\n')) {
      const section = this.trailers.slice(0, end)
      this.problem = this.trailerProblem(section)
      if (this.problem !== null) return to
      this.done = true
      this.trailers = section.slice(0, -2)
      if (!this.bare) sink.onBody(Buffer.from(section, 'latin1'), 0, section.length)
      return from + end - before
    }
    if (this.trailers.length > MAX_TRAILERS) this.problem = { status: 431, reason: 'trailers too long' }
    else if (/(?:^|[^\r])\n|\r(?!\n|$)/.test(this.trailers))
      this.problem = malformed('malformed line end in the trailers')
    return to
  }

  private trailerProblem(section: string): Refusal | null {
    if (section === '\r\n') return null
    const fields = new Fields()
    const problem = fields.scan(section, 0, MAX_TRAILER_FIELDS)
    if (problem) return malformed(`${problem} in the trailers`)
    for (let i = 0; i < fields.count; i++) {
      const name = fields.name(i)
      if (FORBIDDEN_TRAILERS.test(name)) return malformed(`${name} in the trailers`)
    }
    return null
  }
}

const malformed = (reason: string): Refusal => ({ status: 400, reason })

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
