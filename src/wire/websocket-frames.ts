/**
 * Where the frames of a WebSocket end (RFC 6455 §5.2), by their headers alone, so that a Close frame can be put in between
 * two of them when the tunnel is ended from here. What does not look like frames of a server is left alone for good.
 */

const OPCODE = 0x0f
const CLOSE = 0x8
const RESERVED = 0x70
const MASKED = 0x80
const LENGTH = 0x7f
/** Close (§5.5.1), two bytes, unmasked: 1012, service restart. Browsers tell their application, which may come back. */
const RESTART = Buffer.from([0x88, 0x02, 1012 >> 8, 1012 & 0xff])

export class WebSocketFrames {
  /** Bytes that are still to come of the frame that has begun; of its header, the part that tells the length. */
  private left = 0
  private header: 'none' | 'length' | 'extended' = 'none'
  private length = 0
  /** It has said goodbye itself, or it is no WebSocket. */
  private over = false

  /** What the server sends. */
  read(bytes: Buffer, from: number, to: number): void {
    let at = from
    while (at < to && !this.over) {
      if (this.header === 'none' && this.left > 0) {
        const passed = Math.min(this.left, to - at)
        this.left -= passed
        at += passed
      } else this.readHeader(Number(bytes[at++]))
    }
  }

  /** What may be sent to the client now to end it. Null in the middle of a frame. */
  farewell(): Buffer | null {
    return this.over || this.left > 0 || this.header !== 'none' ? null : RESTART
  }

  private readHeader(byte: number): void {
    switch (this.header) {
      case 'none':
        this.header = 'length'
        // Extensions may use RSV1 for a message of their own (compression, RFC 7692 §6); the others nobody has taken.
        this.over = (byte & OPCODE) === CLOSE || (byte & RESERVED & ~0x40) !== 0
        return
      case 'length':
        // A server never masks (§5.1).
        if (byte & MASKED) this.over = true
        return this.begin(byte & LENGTH)
      case 'extended':
        this.length = this.length * 256 + byte
        if (--this.left > 0) return
        this.header = 'none'
        this.left = this.length
    }
  }

  private begin(length: number): void {
    this.header = length < 126 ? 'none' : 'extended'
    this.length = 0
    this.left = length < 126 ? length : length === 126 ? 2 : 8
  }
}
