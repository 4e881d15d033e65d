/** The head of a response (RFC 9112 §4), read as strictly as a request: what is ambiguous never reaches a client. */
import { FIELD, Fields, isFieldText, listMembers, parseLength } from './fields.ts'
import type { HeadLimits } from './limits.ts'
import type { BodyKind } from './request-head.ts'

const SPACE = 32
const STATUS_AT = 'HTTP/1.1 '.length
const STATUS_END = STATUS_AT + 3

/** Reused for every response of a connection. */
export class ResponseHead {
  readonly fields = new Fields()
  status = 0
  /** From the status code on: `200 OK`. */
  statusText = ''
  minor: 0 | 1 = 1
  body: BodyKind = 'none'
  length = 0
  /** How many Content-Length fields came, even where no body follows (HEAD, 304). */
  lengths = 0
  keepAlive = true
  /** From `Keep-Alive: timeout=N`, in ms; 0 when not said. */
  keepAliveHint = 0
  upgrade = ''
  hasRequestId = false
  nominated: readonly string[] = NONE

  /** Returns what is wrong, or null. `method` decides whether a body follows (RFC 9112 §6.3). */
  parse(text: string, method: string, limits: HeadLimits): string | null {
    const lineEnd = text.indexOf('\r\n')
    if (!this.readVersion(text) || !this.readStatus(text, lineEnd) || !isFieldText(text, 0, lineEnd))
      return 'malformed status line'
    // RFC 9112 §4: the space behind the code stays, even without a reason phrase.
    this.statusText = lineEnd === STATUS_END ? `${text.slice(STATUS_AT, STATUS_END)} ` : text.slice(STATUS_AT, lineEnd)
    return this.fields.scan(text, lineEnd + 2, limits.fields) ?? this.readFields() ?? this.decideBody(method)
  }

  private readVersion(text: string): boolean {
    if (text.startsWith('HTTP/1.1 ')) this.minor = 1
    else if (text.startsWith('HTTP/1.0 ')) this.minor = 0
    else return false
    return true
  }

  /** Three digits, 100 to 599, and behind them a space or the end of the line. */
  private readStatus(text: string, lineEnd: number): boolean {
    this.status = parseLength(text.slice(STATUS_AT, STATUS_END)) ?? 0
    const separated = lineEnd === STATUS_END || text.charCodeAt(STATUS_END) === SPACE
    return separated && lineEnd >= STATUS_END && this.status >= 100 && this.status <= 599
  }

  private readFields(): string | null {
    this.body = 'none'
    this.length = 0
    this.lengths = 0
    this.keepAlive = this.minor === 1
    this.keepAliveHint = 0
    this.upgrade = ''
    this.hasRequestId = false
    this.nominated = NONE
    for (let i = 0; i < this.fields.count; i++) {
      switch (this.fields.kind(i)) {
        case FIELD.CONTENT_LENGTH: {
          const length = parseLength(this.fields.value(i))
          if (length === null) return 'malformed Content-Length'
          if (this.lengths++ > 0 && length !== this.length) return 'different values of Content-Length'
          this.length = length
          break
        }
        case FIELD.TRANSFER_ENCODING:
          if (this.fields.value(i).toLowerCase() !== 'chunked' || this.body === 'chunked' || this.minor === 0) {
            return 'Transfer-Encoding other than chunked'
          }
          this.body = 'chunked'
          break
        case FIELD.CONNECTION:
          this.readConnection(this.fields.value(i))
          break
        case FIELD.KEEP_ALIVE:
          this.keepAliveHint = Number(/timeout=([0-9]{1,6})/.exec(this.fields.value(i))?.[1] ?? 0) * 1000
          break
        case FIELD.UPGRADE:
          this.upgrade = this.fields.value(i).toLowerCase()
          break
        case FIELD.REQUEST_ID:
          this.hasRequestId = true
          break
      }
    }
    return this.lengths > 0 && this.body === 'chunked' ? 'both Content-Length and Transfer-Encoding' : null
  }

  private readConnection(value: string): void {
    if (value === 'keep-alive') {
      this.keepAlive = true
      return
    }
    for (const option of listMembers(value)) {
      if (option === 'close') this.keepAlive = false
      else if (option === 'keep-alive') this.keepAlive = true
      else if (option !== 'upgrade') this.nominated = [...this.nominated, option]
    }
  }

  private decideBody(method: string): string | null {
    const { status } = this
    if (status < 200 || status === 204) {
      if (this.body === 'chunked') return `Transfer-Encoding with ${status}`
      this.body = 'none'
    } else if (method === 'HEAD' || status === 304) this.body = 'none'
    else if (this.body !== 'chunked') this.body = this.lengths > 0 ? (this.length > 0 ? 'length' : 'none') : 'close'
    return null
  }
}

const NONE: readonly string[] = Object.freeze([])
