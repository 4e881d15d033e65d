// HTTP/2 frames by hand (RFC 9113 §4, §6), for what node:http2 would refuse to send. Fields go out as HPACK literals
// without Huffman coding (RFC 7541 §6.2.2), which need no table; of what comes back only `:status` is understood.
import { connect, type Socket } from 'node:net'
import type { FakeClock } from '../../../support/fake-clock.ts'
import { Signal } from '../../../support/signal.ts'

export type FieldPairs = readonly (readonly [name: string, value: string])[]

const TYPES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
] as const
export type FrameType = (typeof TYPES)[number]
export type Frame = { readonly type: FrameType; readonly flags: number; readonly id: number; readonly payload: Buffer }

export const ACK = 1
export const END_STREAM = 1
export const END_HEADERS = 4
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
export const INITIAL_WINDOW_SIZE = 4

export function frame(type: FrameType, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const content = Buffer.from(payload as string, 'latin1')
  const head = Buffer.alloc(9)
  head.writeUIntBE(content.length, 0, 3)
  head.writeUInt8(TYPES.indexOf(type), 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, content])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** RFC 7541 §5.1, with a prefix of 7 bits: string lengths. */
function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

const literal = (text: string): Buffer => Buffer.concat([length(text.length), Buffer.from(text, 'latin1')])

export function fieldBlock(fields: FieldPairs): Buffer {
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), literal(name), literal(value)])))
}

export function headers(fields: FieldPairs, { id = 1, end = true } = {}): Buffer {
  return frame('HEADERS', END_HEADERS | (end ? END_STREAM : 0), id, fieldBlock(fields))
}

export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const entries = pairs.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)]))
  return frame('SETTINGS', 0, 0, Buffer.concat(entries))
}

/** RFC 7541 appendix A, 8 to 14. */
const INDEXED_STATUS = [200, 204, 206, 304, 400, 404, 500]
/** Appendix B: the digits, as text of bits. */
const DIGITS = ['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111']

/** Of the first response on a connection: `:status` comes first, and no table has been filled yet. */
function statusOf(block: Buffer): number {
  const first = block[0] ?? 0
  if (first >= 0x88 && first <= 0x8e) return INDEXED_STATUS[first - 0x88] ?? 0
  if ((first & 0x3f) !== 8 && (first & 0x0f) !== 8) throw new Error(`no :status in front: ${block.toString('hex')}`)
  const size = block[1] ?? 0
  const value = block.subarray(2, 2 + (size & 0x7f))
  if (size < 0x80) return Number(value.toString('latin1'))
  let bits = [...value].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  while (digits.length < 3) {
    const digit = DIGITS.findIndex((code) => bits.startsWith(code))
    if (digit < 0) throw new Error(`no status: ${block.toString('hex')}`)
    digits += digit
    bits = bits.slice(DIGITS[digit]!.length)
  }
  return Number(digits)
}

export class RawHttp2 {
  readonly socket: Socket
  readonly signal = new Signal()
  readonly frames: Frame[] = []
  closed = false
  /** Whether it answers PINGs. */
  alive = true
  /** Whether it acknowledges SETTINGS: their limits hold from there on. */
  acknowledges = false
  #rest: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', () => {})
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.closed = true
        this.signal.notify()
      })
    }
  }

  static connect(port: number): Promise<RawHttp2> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawHttp2(socket)))
    })
  }

  /** With the preface, an empty SETTINGS and whatever is to follow in the same write. */
  static async open(port: number, ...frames: readonly Buffer[]): Promise<RawHttp2> {
    const client = await RawHttp2.connect(port)
    client.send(Buffer.from(PREFACE), settings(), ...frames)
    return client
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames))
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < end) break
      const type = TYPES[this.#rest.readUInt8(3)] ?? 'PRIORITY'
      const flags = this.#rest.readUInt8(4)
      const payload = this.#rest.subarray(9, end)
      this.frames.push({ type, flags, id: this.#rest.readUInt32BE(5), payload })
      if (flags === 0) this.#answer(type, payload)
      this.#rest = this.#rest.subarray(end)
    }
    this.signal.notify()
  }

  #answer(type: FrameType, payload: Buffer): void {
    if (type === 'PING' && this.alive) this.send(frame('PING', ACK, 0, payload))
    if (type === 'SETTINGS' && this.acknowledges) this.send(frame('SETTINGS', ACK, 0))
  }

  until<T>(check: () => T | undefined | false, what: string): Promise<T> {
    return this.signal.until(check, what)
  }

  of(type: FrameType, id = 1): Frame[] {
    return this.frames.filter((frame) => frame.type === type && frame.id === id)
  }

  /** DATA of one stream. */
  body(id = 1): string {
    return this.of('DATA', id)
      .map(({ payload }) => payload.toString('latin1'))
      .join('')
  }

  get status(): number | undefined {
    const [head] = this.of('HEADERS')
    return head && statusOf(head.payload)
  }

  /** The error code of RST_STREAM. */
  reset(id = 1): number | undefined {
    return this.of('RST_STREAM', id)[0]?.payload.readUInt32BE(0)
  }

  /** The error code of GOAWAY. */
  get goaway(): number | undefined {
    return this.of('GOAWAY', 0)[0]?.payload.readUInt32BE(4)
  }

  get ended(): boolean {
    return this.frames.some(({ type, flags, id }) => {
      return id === 1 && (type === 'DATA' || type === 'HEADERS') && (flags & END_STREAM) !== 0
    })
  }

  /** The peer has read all that was sent so far: it has answered a ping, or left. */
  async caughtUp(): Promise<void> {
    const before = this.#pongs
    this.send(frame('PING', 0, 0, 'caughtup'))
    await this.until(() => this.#pongs > before || this.closed, 'an answer to a ping')
  }

  /** Time passes in steps that leave it the time to answer PINGs. */
  async outlast(clock: FakeClock, time: number): Promise<void> {
    for (let passed = 0; passed < time; passed += 30_000) {
      clock.advance(30_000)
      // By the first answer it has got what was asked before, by the second its own answer has been read.
      await this.caughtUp()
      await this.caughtUp()
    }
  }

  get #pongs(): number {
    return this.frames.filter(({ type, flags }) => type === 'PING' && flags === ACK).length
  }

  destroy(): void {
    this.socket.destroy()
  }
}
