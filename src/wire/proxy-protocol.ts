/**
 * Reads the header that a proxy before us puts in front of a connection, to say whose it is (PROXY protocol, versions 1
 * and 2: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt). Pure: it sees all bytes so far, every time, and
 * more bytes never change what it has said. Whom to believe is not decided here.
 */
import net from 'node:net'
import type { Endpoint, ProxyProtocolMode } from './arrival.ts'
import { checksumHolds } from './crc32c.ts'
import { canonicalIPv6 } from './endpoint.ts'

/** Null: the header leaves it open, and the connection's own end counts (health checks of the proxy itself, for one). */
export type ProxyHeader = Readonly<{ source: Endpoint | null; destination: Endpoint | null }>

export type ProxyHeaderRead =
  | Readonly<{ state: 'partial' }>
  /** Not the beginning of a header that is accepted here. */
  | Readonly<{ state: 'absent' }>
  /** `next`: where what follows the header begins. */
  | Readonly<{ state: 'complete'; header: ProxyHeader; next: number }>
  | Readonly<{ state: 'malformed'; reason: string }>

const PARTIAL: ProxyHeaderRead = { state: 'partial' }
const ABSENT: ProxyHeaderRead = { state: 'absent' }
const OPEN: ProxyHeader = { source: null, destination: null }

const V1_BEGINNING = Buffer.from('PROXY ', 'latin1')
/** With its CRLF: an UNKNOWN line with the longest addresses. */
const V1_LONGEST = 107
const V1_ADDRESSES = /^PROXY TCP([46]) ([^ ]+) ([^ ]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/
const V1_UNKNOWN = /^PROXY UNKNOWN(?: .*)?$/

export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** Signature, version and command, family and protocol, length. */
const V2_FIXED = 16
/** Real headers stay far below, certificates' names and all. A client on its way in may not occupy more. */
const V2_LONGEST = 4_096
/** The type of the extension that holds the header's checksum. */
const CHECKSUM = 0x03
const STREAM = 1
const DATAGRAM = 2
const INET = 1
const UNIX = 3
/** By family: bytes of an address, and of both addresses with their ports. */
const ADDRESS_BYTES = [0, 4, 16, 108] as const
const BLOCK_BYTES = [0, 12, 36, 216] as const

export function readProxyHeader(bytes: Buffer, mode: Exclude<ProxyProtocolMode, 'off'>): ProxyHeaderRead {
  if (mode !== 'v2' && begins(bytes, V1_BEGINNING)) return bytes.length < V1_BEGINNING.length ? PARTIAL : readV1(bytes)
  if (mode !== 'v1' && begins(bytes, V2_SIGNATURE)) return bytes.length <= V2_SIGNATURE.length ? PARTIAL : readV2(bytes)
  return ABSENT
}

/** As far as `bytes` go. */
function begins(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length)
  return bytes.compare(expected, 0, length, 0, length) === 0
}

function readV1(bytes: Buffer): ProxyHeaderRead {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, V1_LONGEST))
  const end = text.search(/[\r\n]/)
  if (end < 0 || (end === text.length - 1 && text[end] === '\r')) {
    return text.length < V1_LONGEST ? PARTIAL : malformed(`no line end within ${V1_LONGEST} bytes`)
  }
  if (!text.startsWith('\r\n', end)) return malformed('a line end that is not CRLF')
  const line = text.slice(0, end)
  const next = end + 2
  if (V1_UNKNOWN.test(line)) return { state: 'complete', header: OPEN, next }
  const [, family, from = '', to = '', fromPort, toPort] = V1_ADDRESSES.exec(line) ?? []
  const source = endpointOf(family, from, Number(fromPort))
  const destination = endpointOf(family, to, Number(toPort))
  if (!source || !destination) return malformed('not the addresses and ports of a TCP connection')
  return { state: 'complete', header: { source, destination }, next }
}

function endpointOf(family: string | undefined, text: string, port: number): Endpoint | null {
  if (port > 65_535) return null
  if (family === '4') return net.isIPv4(text) ? { address: text, port } : null
  // A zone (fe80::1%eth0) means something on the sender's machine only.
  if (family !== '6' || !net.isIPv6(text) || text.includes('%')) return null
  return { address: canonicalIPv6(text), port }
}

function readV2(bytes: Buffer): ProxyHeaderRead {
  const command = bytes.readUInt8(12)
  if (command >> 4 !== 2) return malformed('version is not 2')
  if (command !== 0x20 && command !== 0x21) return malformed('neither LOCAL nor PROXY')
  if (bytes.length < 14) return PARTIAL
  // The proxy speaks for itself: the rest of the header is skipped, whatever it says.
  const local = command === 0x20
  const family = bytes.readUInt8(13) >> 4
  const protocol = bytes.readUInt8(13) & 15
  if (!local && family > UNIX) return malformed('unknown address family')
  if (!local && protocol > STREAM) return malformed(protocol === DATAGRAM ? 'a datagram' : 'unknown transport protocol')
  if (bytes.length < V2_FIXED) return PARTIAL
  const next = V2_FIXED + bytes.readUInt16BE(14)
  const extensions = V2_FIXED + (BLOCK_BYTES[family] ?? 0)
  if (next > V2_LONGEST) return malformed(`longer than ${V2_LONGEST} bytes`)
  if (!local && next < extensions) return malformed('too short for its addresses')
  if (bytes.length < next) return PARTIAL
  // Without a family nothing says where addresses would end and extensions begin.
  if (local || family === 0) return { state: 'complete', header: OPEN, next }
  const problem = extensionProblem(bytes.subarray(0, next), extensions)
  if (problem !== null) return malformed(problem)
  // The path of a unix socket tells nobody anything on this machine.
  const header = protocol !== STREAM || family === UNIX ? OPEN : addressesOf(bytes, family)
  return { state: 'complete', header, next }
}

function addressesOf(bytes: Buffer, family: number): ProxyHeader {
  const size = ADDRESS_BYTES[family] ?? 0
  const address = (at: number): string => {
    const raw = bytes.subarray(at, at + size)
    return family === INET ? raw.join('.') : canonicalIPv6(raw.toString('hex').replace(/(?<=.)(?=(?:.{4})+$)/g, ':'))
  }
  const ports = V2_FIXED + 2 * size
  return {
    source: { address: address(V2_FIXED), port: bytes.readUInt16BE(ports) },
    destination: { address: address(V2_FIXED + size), port: bytes.readUInt16BE(ports + 2) },
  }
}

/** Type, length and value, one behind the other, exactly to the end; all are skipped but the checksum. */
function extensionProblem(header: Buffer, from: number): string | null {
  let checksum = -1
  let at = from
  while (at < header.length) {
    if (at + 3 > header.length) return 'an extension is cut off'
    const value = at + 3
    const end = value + header.readUInt16BE(at + 1)
    if (end > header.length) return 'an extension is cut off'
    if (header[at] === CHECKSUM) {
      if (checksum >= 0 || end - value !== 4) return 'not one checksum of four bytes'
      checksum = value
    }
    at = end
  }
  return checksum < 0 || checksumHolds(header, checksum) ? null : 'wrong checksum'
}

const malformed = (reason: string): ProxyHeaderRead => ({ state: 'malformed', reason })
