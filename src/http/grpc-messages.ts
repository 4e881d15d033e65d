/**
 * Where the messages of a gRPC body end ("gRPC over HTTP/2": a byte of flags, four of the length, the message). Between two
 * of them a client owes nothing, however long its call is open.
 */
const PREFIX = 5

/** Not gRPC-Web, whose bodies have another form. */
export function isGrpc(contentType: string): boolean {
  return /^application\/grpc(?:$|[+;])/i.test(contentType)
}

export class GrpcMessages {
  /** Bytes that have come of a prefix, and the length it has spelled so far. */
  private prefix = 0
  private length = 0
  /** Bytes of a message that are still to come. */
  private missing = 0

  /** A message has begun, and not all of it has come. */
  get within(): boolean {
    return this.prefix > 0 || this.missing > 0
  }

  read(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.missing > 0) {
        const part = Math.min(this.missing, bytes.length - at)
        this.missing -= part
        at += part
      } else this.readPrefix(bytes.readUInt8(at++))
    }
  }

  private readPrefix(byte: number): void {
    this.length = this.prefix === 0 ? 0 : this.length * 256 + byte
    if (++this.prefix < PREFIX) return
    this.prefix = 0
    this.missing = this.length
  }
}
