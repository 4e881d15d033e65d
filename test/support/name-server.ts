/** A server of names on UDP (RFC 1035) that knows one name, and how many questions it was asked. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** `data`: 4 bytes of an address of IPv4, 16 of IPv6. */
export type NameRecord = Readonly<{ data: readonly number[]; ttl: number }>

const HEADER = 12
const A = 1
const AAAA = 28

export class NameServer {
  readonly port: number
  records: readonly NameRecord[] = []
  /** Answers that it cannot answer (SERVFAIL). */
  failing = false
  private readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
    this.port = socket.address().port
    socket.on('message', (question, from) => this.answer(question, from))
  }

  static async start(): Promise<NameServer> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new NameServer(socket)
  }

  async stop(): Promise<void> {
    await new Promise<void>((closed) => this.socket.close(() => closed()))
  }

  private answer(message: Buffer, { port, address }: RemoteInfo): void {
    let end = HEADER
    while (message[end] !== 0) end += 1 + Number(message[end])
    const type = message.readUInt16BE(end + 1)
    const question = message.subarray(HEADER, end + 5)
    const length = type === A ? 4 : type === AAAA ? 16 : 0
    const found = this.failing ? [] : this.records.filter(({ data }) => data.length === length)
    const head = Buffer.alloc(HEADER)
    message.copy(head, 0, 0, 2)
    head.writeUInt16BE(this.failing ? 0x8182 : 0x8180, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(found.length, 6)
    const answers = found.map(({ data, ttl }) => recordOf(type, ttl, data))
    this.socket.send(Buffer.concat([head, question, ...answers]), port, address)
  }
}

function recordOf(type: number, ttl: number, data: readonly number[]): Buffer {
  const start = Buffer.alloc(HEADER)
  // The name: that of the question.
  start.writeUInt16BE(0xc000 | HEADER, 0)
  start.writeUInt16BE(type, 2)
  start.writeUInt16BE(1, 4)
  start.writeUInt32BE(ttl, 6)
  start.writeUInt16BE(data.length, 10)
  return Buffer.concat([start, Buffer.from(data)])
}
