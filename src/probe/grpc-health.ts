/** The two messages of grpc.health.v1.Health/Check, in protobuf and in the length-prefixed framing of gRPC. */

/** As the health service numbers them. */
const SERVING = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
export type ServingStatus = (typeof SERVING)[number]

/** One byte (compressed or not), four bytes of length. */
const PREFIX = 5
/** The status takes two bytes; some room for fields that nobody has thought of yet. */
const MAX_MESSAGE = 1_024
export const MAX_ANSWER = PREFIX + MAX_MESSAGE
const SERVICE_FIELD = 0x0a
const STATUS_FIELD = 1

export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service)
  // A field with the default value is left out.
  const message = name.length === 0 ? name : Buffer.concat([Buffer.of(SERVICE_FIELD), varint(name.length), name])
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** Null: it is not exactly one well-formed answer. */
export function healthStatus(answer: Buffer): ServingStatus | number | null {
  if (answer.length < PREFIX || answer.length > MAX_ANSWER || answer[0] !== 0) return null
  if (answer.readUInt32BE(1) !== answer.length - PREFIX) return null
  const reader = new Reader(answer.subarray(PREFIX))
  // Left out when it is 0.
  let status = 0
  while (!reader.atEnd) {
    const tag = reader.varint()
    const field = Math.floor(tag / 8)
    const value = reader.value(tag % 8)
    if (reader.broken || field === 0) return null
    if (field === STATUS_FIELD) {
      if (tag % 8 !== 0) return null
      status = value
    }
  }
  return SERVING[status] ?? status
}

class Reader {
  broken = false
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length
  }

  /** Exact up to 2^53, which no tag, length or status that we accept comes near. */
  varint(): number {
    let value = 0
    for (let index = 0; index < 10; index++) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return value
    }
    this.broken = true
    return 0
  }

  /** The value of a field of that wire type if it is a number; others are passed over. */
  value(wireType: number): number {
    switch (wireType) {
      case 0:
        return this.varint()
      case 1:
        return this.skip(8)
      case 2:
        return this.skip(this.varint())
      case 5:
        return this.skip(4)
      default:
        this.broken = true
        return 0
    }
  }

  private skip(count: number): number {
    this.at += count
    if (this.at > this.bytes.length) this.broken = true
    return 0
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}
