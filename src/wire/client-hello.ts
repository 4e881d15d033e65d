/**
 * Reads from the first message of a TLS client which server it asks for (SNI, RFC 6066 §3) and what it would speak (ALPN,
 * RFC 7301), without taking part in the handshake. Pure: it sees all bytes so far, every time, and more bytes never
 * change what it has said.
 */

export type ClientHelloRead =
  | Readonly<{ state: 'partial' }>
  /** `serverName` in lower case, '' when it asks for none. */
  | Readonly<{ state: 'complete'; serverName: string; protocols: readonly string[] }>
  | Readonly<{ state: 'malformed'; reason: string }>

const PARTIAL: ClientHelloRead = { state: 'partial' }

/** Records, headers and all. Hellos with post-quantum keys have some two thousand bytes. */
const LONGEST = 16_384
const RECORD_HEADER = 5
const RECORD_LONGEST = 16_384
const HANDSHAKE = 22
const MESSAGE_HEADER = 4
const CLIENT_HELLO = 1

const SERVER_NAME = 0
const PROTOCOL_NAMES = 16
const HOST_NAME = 0
/** Letters, digits and hyphens; the underscore too, which names in use contain. No dot at the end (RFC 6066 §3). */
const HOST = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** RFC 8446 §5.1: the message may be spread over any number of records, cut anywhere. */
export function readClientHello(bytes: Buffer): ClientHelloRead {
  const available = Math.min(bytes.length, LONGEST)
  let header = 0
  let got = 0
  let at = 0
  while (at < available) {
    const problem = recordProblem(bytes, at, available)
    if (problem !== null) return malformed(problem)
    const from = at + RECORD_HEADER
    if (from > available) break
    const to = Math.min(from + bytes.readUInt16BE(at + 3), available)
    for (let i = from; i < to && got + i - from < MESSAGE_HEADER; i++) header = header * 256 + (bytes[i] ?? 0)
    got += to - from
    at = from + bytes.readUInt16BE(at + 3)
    if (got < MESSAGE_HEADER) continue
    const end = MESSAGE_HEADER + (header % 0x100_0000)
    if (header !== CLIENT_HELLO * 0x100_0000 + end - MESSAGE_HEADER) return malformed('not a ClientHello')
    if (end > LONGEST) return malformed(`longer than ${LONGEST} bytes`)
    if (got >= end) return readMessage(messageOf(bytes, end))
  }
  return bytes.length < LONGEST ? PARTIAL : malformed(`no end within ${LONGEST} bytes`)
}

/** As far as the record's header has come. Its minor version means nothing (RFC 8446 §5.1). */
function recordProblem(bytes: Buffer, at: number, available: number): string | null {
  if (bytes[at] !== HANDSHAKE) return 'not a record of a TLS handshake'
  if (at + 1 < available && bytes[at + 1] !== 3) return 'not a version of TLS'
  if (at + RECORD_HEADER > available) return null
  const length = bytes.readUInt16BE(at + 3)
  return length === 0 || length > RECORD_LONGEST ? 'a record of forbidden length' : null
}

/** The records without their headers, up to the message's end. Copied once, when all of it is there. */
function messageOf(bytes: Buffer, length: number): Buffer {
  const message = Buffer.allocUnsafe(length)
  let at = 0
  let filled = 0
  while (filled < length) {
    const from = at + RECORD_HEADER
    at = from + bytes.readUInt16BE(at + 3)
    filled += bytes.copy(message, filled, from, at)
  }
  return message
}

/** RFC 8446 §4.1.2. Older clients send no extensions at all (RFC 5246 §7.4.1.2). */
function readMessage(message: Buffer): ClientHelloRead {
  const hello = new Cursor(message.subarray(MESSAGE_HEADER))
  hello.skip(2 + 32)
  const session = hello.vector(1)
  const suites = hello.vector(2)
  const compressions = hello.vector(1)
  if (hello.broken || session.left > 32 || suites.left < 2 || suites.left % 2 !== 0 || compressions.left === 0) {
    return malformed('not the fields of a ClientHello')
  }
  if (hello.left === 0) return { state: 'complete', serverName: '', protocols: [] }
  const extensions = hello.vector(2)
  if (hello.broken || hello.left > 0) return malformed('extensions of the wrong length')
  return readExtensions(extensions)
}

function readExtensions(extensions: Cursor): ClientHelloRead {
  let serverName: string | null = ''
  let protocols: readonly string[] | null = []
  const seen = new Set<number>()
  while (extensions.left > 0) {
    const kind = extensions.number(2)
    const content = extensions.vector(2)
    if (extensions.broken) return malformed('an extension is cut off')
    // RFC 8446 §4.2. Which of two names counts would be up to the server's taste.
    if (seen.has(kind)) return malformed('an extension occurs twice')
    seen.add(kind)
    if (kind === SERVER_NAME) serverName = readServerName(content)
    else if (kind === PROTOCOL_NAMES) protocols = readProtocols(content)
    if (serverName === null) return malformed('not a valid server name')
    if (protocols === null) return malformed('not a list of protocol names')
  }
  return { state: 'complete', serverName, protocols }
}

function readServerName(content: Cursor): string | null {
  const list = content.vector(2)
  if (content.broken || content.left > 0 || list.left === 0) return null
  let name: string | null = null
  while (list.left > 0) {
    const kind = list.number(1)
    const text = list.vector(2).text().toLowerCase()
    if (list.broken) return null
    if (kind !== HOST_NAME) continue
    if (name !== null || text.length > 253 || !HOST.test(text)) return null
    name = text
  }
  return name ?? ''
}

function readProtocols(content: Cursor): readonly string[] | null {
  const list = content.vector(2)
  if (content.broken || content.left > 0 || list.left === 0) return null
  const names: string[] = []
  while (list.left > 0) {
    const name = list.vector(1).text()
    if (list.broken || name === '') return null
    names.push(name)
  }
  return names
}

/** Reads on; what lies behind the end reads as nothing and leaves it `broken`. */
class Cursor {
  broken = false
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  skip(count: number): void {
    this.take(count)
  }

  /** Of so many bytes. */
  number(size: number): number {
    const taken = this.take(size)
    return taken.length === size ? taken.readUIntBE(0, size) : 0
  }

  /** A length of so many bytes, and as many bytes as it says. */
  vector(lengthSize: number): Cursor {
    return new Cursor(this.take(this.number(lengthSize)))
  }

  text(): string {
    return this.bytes.toString('latin1', this.at)
  }

  private take(count: number): Buffer {
    if (count > this.left) this.broken = true
    const taken = this.bytes.subarray(this.at, this.broken ? this.at : this.at + count)
    this.at += taken.length
    return taken
  }
}

const malformed = (reason: string): ClientHelloRead => ({ state: 'malformed', reason })
