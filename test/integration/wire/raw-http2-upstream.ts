// An HTTP/2 server that sends whatever frames a test wants, for what no library can be brought to send.
// HPACK without compression (RFC 7541 §6.2.2): every field a literal, no table.

import { createServer, type Server, type Socket } from 'node:net'
import { Signal } from '../../support/signal.ts'
import { listening } from './http2-rig.ts'

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  CONTINUATION: 9,
}
export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
const PREFACE = 24

export type Frame = Readonly<{ type: number; flags: number; stream: number; payload: Buffer }>

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export const uint32 = (...values: number[]): Buffer =>
  Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return bytes
    }),
  )

export const headerBlock = (fields: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const length: number[] = []
  let rest = bytes.length
  if (rest < 127) length.push(rest)
  else {
    length.push(127)
    for (rest -= 127; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
    length.push(rest)
  }
  return Buffer.concat([Buffer.from(length), bytes])
}

export const headers = (stream: number, flags: number, ...fields: [string, string][]): Buffer =>
  frame(FRAME.HEADERS, END_HEADERS | flags, stream, headerBlock(fields))
export const data = (stream: number, flags: number, text: string): Buffer =>
  frame(FRAME.DATA, flags, stream, Buffer.from(text, 'latin1'))
export const reset = (stream: number, code: number): Buffer => frame(FRAME.RST_STREAM, 0, stream, uint32(code))
export const goaway = (last: number, code: number): Buffer => frame(FRAME.GOAWAY, 0, 0, uint32(last, code))
export const settings = (...pairs: [id: number, value: number][]): Buffer =>
  frame(
    FRAME.SETTINGS,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)]))),
  )

export type RawOptions = { settings?: Buffer; acksPings?: boolean }

export class RawHttp2Upstream {
  readonly frames: Frame[] = []
  readonly sockets = new Set<Socket>()
  readonly signal = new Signal()
  /** In place of the SETTINGS that begin a connection. */
  onSocket: (socket: Socket) => void
  port = 0
  private readonly server: Server

  /** `onFrame` hears every frame but the acknowledged SETTINGS. */
  static async start(
    onFrame: (frame: Frame, socket: Socket) => void,
    options: RawOptions = {},
  ): Promise<RawHttp2Upstream> {
    const upstream = new RawHttp2Upstream(onFrame, options)
    upstream.port = await listening(upstream.server)
    return upstream
  }

  private constructor(onFrame: (frame: Frame, socket: Socket) => void, options: RawOptions) {
    this.onSocket = (socket) => socket.write(options.settings ?? settings())
    this.server = createServer({ noDelay: true }, (socket) => {
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.sockets.delete(socket)
        this.signal.notify()
      })
      this.onSocket(socket)
      let bytes = Buffer.alloc(0)
      let at = -PREFACE
      socket.on('data', (more: Buffer) => {
        bytes = Buffer.concat([bytes, more])
        if (at < 0 && bytes.length >= PREFACE) {
          bytes = bytes.subarray(PREFACE)
          at = 0
        }
        while (at === 0 && bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
          const length = bytes.readUIntBE(0, 3)
          const read: Frame = {
            type: bytes[3] ?? 0,
            flags: bytes[4] ?? 0,
            stream: bytes.readUInt32BE(5) & 0x7fffffff,
            payload: bytes.subarray(9, 9 + length),
          }
          bytes = bytes.subarray(9 + length)
          this.frames.push(read)
          if (read.type === FRAME.SETTINGS && !(read.flags & ACK)) socket.write(frame(FRAME.SETTINGS, ACK, 0))
          if (read.type === FRAME.PING && !(read.flags & ACK) && options.acksPings)
            socket.write(frame(FRAME.PING, ACK, 0, read.payload))
          onFrame(read, socket)
          this.signal.notify()
        }
      })
    })
  }

  /** Answers every request with these frames. */
  static answering(answer: (stream: number) => Buffer[], options: RawOptions = {}): Promise<RawHttp2Upstream> {
    return RawHttp2Upstream.start((read, socket) => {
      if (read.type === FRAME.HEADERS) for (const bytes of answer(read.stream)) socket.write(bytes)
    }, options)
  }

  /** Connections that are open go on. */
  stopListening(): void {
    this.server.close()
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((closed) => this.server.close(closed))
  }
}
