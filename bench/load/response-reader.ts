// Reads one HTTP/1.1 answer from the bytes of a connection. Only what proxies really send: Content-Length, chunked, or
// everything until the close (HAProxy's own error pages). Bytes are simply gathered.

export type Answer = { readonly status: number; readonly body: Buffer; readonly keepAlive: boolean }

export type Reading =
  | { readonly state: 'more' }
  | { readonly state: 'done'; readonly answer: Answer }
  | { readonly state: 'broken' }

type Head = { status: number; keepAlive: boolean; length: number | 'chunked' | 'until-close'; bodyAt: number }

const MORE: Reading = { state: 'more' }
const BROKEN: Reading = { state: 'broken' }

const bodyLength = (fields: ReadonlyMap<string, string>, status: number): Head['length'] => {
  if (status === 204 || status === 304) return 0
  if (fields.get('transfer-encoding')?.toLowerCase() === 'chunked') return 'chunked'
  const length = fields.get('content-length')
  return length === undefined ? 'until-close' : Number(length)
}

const parseHead = (bytes: Buffer, from: number, headEnd: number): Head | null => {
  const [statusLine = '', ...lines] = bytes.toString('latin1', from, headEnd).split('\r\n')
  const match = /^HTTP\/1\.([01]) (\d{3})/.exec(statusLine)
  if (!match) return null
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const status = Number(match[2])
  const length = bodyLength(fields, status)
  const connection = fields.get('connection')?.toLowerCase() ?? ''
  const persistent = match[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive')
  return { status, length, keepAlive: persistent && length !== 'until-close', bodyAt: headEnd + 4 }
}

/** The chunks joined, null while incomplete, 'broken' when they are not chunks. */
const readChunks = (bytes: Buffer, start: number): { body: Buffer; end: number } | null | 'broken' => {
  const parts: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) return 'broken'
    const next = lineEnd + 2 + size + 2
    if (bytes.length < next) return null
    if (size === 0) return { body: Buffer.concat(parts), end: next }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}

export class ResponseReader {
  #bytes: Buffer = Buffer.alloc(0)
  #parts: Buffer[] = []
  #received = 0
  /** With fewer bytes than this there is nothing new to read. */
  #needed = 0
  #head: Head | null = null

  get hasBytes(): boolean {
    return this.#received > 0
  }

  push(chunk: Buffer): Reading {
    this.#parts.push(chunk)
    this.#received += chunk.length
    // Joined only then: at every chunk, 10 MiB would be copied hundreds of times.
    if (this.#received < this.#needed) return MORE
    this.#bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts)
    this.#parts = [this.#bytes]
    return this.#read(false)
  }

  /** The peer closed: only an answer that is delimited by the close can be complete now. */
  end(): Reading {
    return this.#read(true)
  }

  #read(closed: boolean): Reading {
    let from = 0
    while (this.#head === null) {
      const headEnd = this.#bytes.indexOf('\r\n\r\n', from)
      if (headEnd < 0) return MORE
      const head = parseHead(this.#bytes, from, headEnd)
      if (head === null) return BROKEN
      // Interim answers (100, 103) precede the real one.
      if (head.status < 200) from = head.bodyAt
      else this.#head = head
    }
    return this.#readBody(this.#head, closed)
  }

  #readBody(head: Head, closed: boolean): Reading {
    if (head.length === 'until-close') return closed ? this.#done(head, this.#bytes.subarray(head.bodyAt)) : MORE
    if (head.length === 'chunked') {
      const chunks = readChunks(this.#bytes, head.bodyAt)
      if (chunks === 'broken') return BROKEN
      return chunks === null ? MORE : this.#done(head, chunks.body, chunks.end)
    }
    const end = head.bodyAt + head.length
    this.#needed = end
    return this.#bytes.length < end ? MORE : this.#done(head, this.#bytes.subarray(head.bodyAt, end), end)
  }

  #done(head: Head, body: Buffer, end = this.#bytes.length): Reading {
    // Bytes after the answer belong to nothing we asked for.
    if (this.#bytes.length > end) return BROKEN
    return { state: 'done', answer: { status: head.status, body, keepAlive: head.keepAlive } }
  }
}
