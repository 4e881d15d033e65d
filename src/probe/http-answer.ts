/**
 * Reads one HTTP/1.1 answer to a probe, byte by byte if need be: the final head, and as much of the body as a match
 * needs. As strict as the data plane, which would refuse the same answer. Bounded: 16 KiB of head, 64 KiB of body.
 */

const MAX_HEAD = 16_384
const MAX_BODY = 65_536
/** RFC 9110 §15.2 sets no bound for interim answers; without one a server could keep us reading. */
const MAX_INTERIM = 8

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/
const CRLF = '\r\n'

type Framing = 'length' | 'chunked' | 'until-close'
export type Progress = 'more' | 'complete' | 'invalid'

export class HttpAnswer {
  /** 0 until the final head is complete. */
  status = 0
  /** It says `Connection: close`. */
  closes = false
  match: 'not-asked' | 'found' | 'missing' | 'beyond-limit' = 'not-asked'
  problem = ''
  private readonly wanted: string | null
  private unread: Buffer = Buffer.alloc(0)
  private body: Buffer = Buffer.alloc(0)
  private framing: Framing = 'until-close'
  /** Bytes of the body, or of the current chunk with its CRLF, that are still to come. */
  private due = 0
  private interim = 0

  constructor(wanted: string | null) {
    this.wanted = wanted
  }

  /** The body ends where the connection does, so a close now is no truncation. */
  get endsWithClose(): boolean {
    return this.status > 0 && this.framing === 'until-close'
  }

  push(bytes: Buffer): Progress {
    this.unread = this.unread.length === 0 ? bytes : Buffer.concat([this.unread, bytes])
    while (this.status === 0) {
      const end = this.unread.indexOf('\r\n\r\n')
      if (end > MAX_HEAD || (end < 0 && this.unread.length > MAX_HEAD)) return this.refuse('its head is over 16 KiB')
      if (end < 0) return this.looksWrong() ? this.refuse('it does not begin with HTTP/1') : 'more'
      const lines = this.unread.toString('latin1', 0, end).split(CRLF)
      this.unread = this.unread.subarray(end + 4)
      if (!this.readHead(lines)) return 'invalid'
    }
    return this.wanted === null ? 'complete' : this.readBody(this.wanted)
  }

  /** Not HTTP at all: no need to wait for the end of a head that will never come. */
  private looksWrong(): boolean {
    const start = this.unread.toString('latin1', 0, 7)
    return !'HTTP/1.'.startsWith(start)
  }

  private readHead(lines: readonly string[]): boolean {
    const [first = '', ...fields] = lines
    const status = Number(STATUS_LINE.exec(first)?.[1] ?? 0)
    if (status === 0) return this.wrong('its status line is malformed')
    if (status < 200 && status !== 101) {
      this.interim++
      return this.interim <= MAX_INTERIM || this.wrong('too many interim answers')
    }
    let lengths: readonly string[] = []
    let encodings: readonly string[] = []
    for (const line of fields) {
      const [, name = '', value = ''] = FIELD.exec(line) ?? []
      if (name === '') return this.wrong('a header field is malformed')
      const tokens = value.split(',').map((token) => token.trim().toLowerCase())
      const key = name.toLowerCase()
      if (key === 'content-length') lengths = [...lengths, ...tokens]
      else if (key === 'transfer-encoding') encodings = [...encodings, ...tokens]
      else if (key === 'connection' && tokens.includes('close')) this.closes = true
    }
    return this.frame(status, lengths, encodings)
  }

  /** RFC 9112 §6.3. */
  private frame(status: number, lengths: readonly string[], encodings: readonly string[]): boolean {
    const [length] = lengths
    if (encodings.length > 0 && length !== undefined) return this.wrong('it has two lengths')
    if (encodings.length > 0) {
      if (encodings.join() !== 'chunked') return this.wrong('its transfer encoding is unknown')
      this.framing = 'chunked'
    } else if (length !== undefined) {
      const valid = /^\d{1,15}$/.test(length) && lengths.every((other) => other === length)
      if (!valid) return this.wrong('its Content-Length is malformed')
      this.framing = 'length'
      this.due = Number(length)
    }
    if (status === 101 || status === 204 || status === 304) {
      this.framing = 'length'
      this.due = 0
    }
    this.status = status
    return true
  }

  private readBody(wanted: string): Progress {
    const progress = this.framing === 'chunked' ? this.readChunks() : this.readPlain()
    if (progress === 'invalid') return progress
    if (this.body.includes(wanted)) this.match = 'found'
    else if (this.body.length >= MAX_BODY) this.match = 'beyond-limit'
    else if (progress === 'complete') this.match = 'missing'
    else return 'more'
    return 'complete'
  }

  private readPlain(): Progress {
    const length = this.framing === 'length' ? this.due : Number.POSITIVE_INFINITY
    this.due = length - this.take(length)
    return this.due === 0 ? 'complete' : 'more'
  }

  /** RFC 9112 §7.1, without trailers: what comes after the last chunk is of no interest here. */
  private readChunks(): Progress {
    while (this.unread.length > 0) {
      if (this.due > 2) {
        this.due -= this.take(this.due - 2)
      } else if (this.due > 0) {
        if (this.unread.length < 2) return 'more'
        if (this.unread.toString('latin1', 0, 2) !== CRLF) return this.refuse('a chunk does not end where it should')
        this.unread = this.unread.subarray(2)
        this.due = 0
      } else {
        const size = this.readChunkSize()
        if (size === null) return 'more'
        if (size === 0) return 'complete'
        if (size < 0) return this.refuse('a chunk size is malformed')
        this.due = size + 2
      }
    }
    return 'more'
  }

  /** Null: not there yet. Negative: malformed. */
  private readChunkSize(): number | null {
    const end = this.unread.indexOf(CRLF)
    if (end < 0) return this.unread.length > 1_024 ? -1 : null
    const digits = CHUNK_SIZE.exec(this.unread.toString('latin1', 0, end))?.[1]
    this.unread = this.unread.subarray(end + 2)
    return digits === undefined ? -1 : Number.parseInt(digits, 16)
  }

  /** Moves at most `most` bytes from the unread ones to the body; those over its limit are dropped. */
  private take(most: number): number {
    const count = Math.min(most, this.unread.length)
    const room = MAX_BODY - this.body.length
    this.body = Buffer.concat([this.body, this.unread.subarray(0, Math.min(count, room))])
    this.unread = this.unread.subarray(count)
    return count
  }

  private refuse(problem: string): 'invalid' {
    this.problem = problem
    return 'invalid'
  }

  private wrong(problem: string): false {
    this.problem = problem
    return false
  }
}
