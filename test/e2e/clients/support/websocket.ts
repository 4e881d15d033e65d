// As much of the server side of RFC 6455 as an echo of short texts needs.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TEXT = 0x1
const CLOSE = 0x8
const LONGEST = 125

/** Answers every text by what `reply` makes of it. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, reply: (text: string) => string): void {
  const key = request.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64')
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`)
  let bytes: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    for (let frame = readFrame(bytes); frame; frame = readFrame(bytes)) {
      bytes = bytes.subarray(frame.length)
      if (frame.opcode === CLOSE) socket.end(inFrame(CLOSE, frame.payload))
      else if (frame.opcode === TEXT) socket.write(inFrame(TEXT, Buffer.from(reply(frame.payload.toString()))))
    }
  })
}

type Frame = { readonly opcode: number; readonly payload: Buffer; readonly length: number }

/** Null while it is incomplete. */
function readFrame(bytes: Buffer): Frame | null {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return null
  const size = second & 0x7f
  if (size > LONGEST) throw new Error('only short frames are understood here')
  const length = 2 + 4 + size
  if (bytes.length < length) return null
  const payload = bytes.subarray(6, length).map((byte, index) => byte ^ (bytes[2 + (index % 4)] ?? 0))
  return { opcode: first & 0x0f, payload: Buffer.from(payload), length }
}

const inFrame = (opcode: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload])
