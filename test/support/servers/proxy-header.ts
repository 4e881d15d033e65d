/** Reads a PROXY header as its specification says (versions 1 and 2), apart from the product's own reader. */
import type { Socket } from 'node:net'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Calls back with the address that it tells: '' for a connection that is nobody's. What is none ends the connection. */
export function readProxyHeader(socket: Socket, then: (client: string) => void): void {
  let bytes: Buffer = Buffer.alloc(0)
  const read = (more: Buffer): void => {
    bytes = Buffer.concat([bytes, more])
    const header = bytes.subarray(0, 12).equals(SIGNATURE) ? version2(bytes) : version1(bytes)
    if (header === 'incomplete') return
    socket.off('data', read)
    if (header === 'malformed') return void socket.destroy()
    socket.pause()
    socket.unshift(bytes.subarray(header.length))
    then(header.client)
    socket.resume()
  }
  socket.on('data', read)
}

type Header = Readonly<{ length: number; client: string }> | 'incomplete' | 'malformed'

function version1(bytes: Buffer): Header {
  const end = bytes.indexOf('\r\n')
  if (end < 0) return bytes.length < 107 ? 'incomplete' : 'malformed'
  const [, known, client = ''] =
    /^PROXY (?:UNKNOWN|(TCP[46]) (\S+) \S+ \d+ \d+)/.exec(bytes.toString('latin1', 0, end)) ?? []
  if (!bytes.toString('latin1', 0, end).startsWith('PROXY ')) return 'malformed'
  return { length: end + 2, client: known ? client : '' }
}

function version2(bytes: Buffer): Header {
  if (bytes.length < 16 || bytes.length < 16 + bytes.readUInt16BE(14)) return 'incomplete'
  const length = 16 + bytes.readUInt16BE(14)
  // LOCAL, or no IPv4, which is all that these tests have.
  if (bytes[12] !== 0x21 || bytes[13] !== 0x11) return { length, client: '' }
  return { length, client: [...bytes.subarray(16, 20)].join('.') }
}
