// An origin on bare TCP for long bodies: it hands each request head and its socket to the test, and can write and hash
// a reproducible stream with backpressure.

import { createHash, type Hash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { Signal } from './signal.ts'

export type Handler = (socket: Socket, head: string, rest: Buffer) => void

/** Not repeating within a block, so that a block that is lost, doubled or overwritten changes the checksum. */
const POOL = Buffer.allocUnsafe(4 * 1024 * 1024)
for (let at = 0, state = 0x9e3779b9; at < POOL.length; at += 4) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  POOL.writeUInt32LE(state, at)
}
const BLOCK = 64 * 1024

export class Stream {
  readonly signal = new Signal()
  readonly hash: Hash = createHash('sha1')
  written = 0
  blocked = false
  done = false
  digest = ''
  readonly #total: number
  readonly #seed: number
  readonly #wrap: (block: Buffer) => Buffer

  constructor(total: number, seed = 0, wrap: (block: Buffer) => Buffer = (block) => block) {
    this.#total = total
    this.#seed = seed
    this.#wrap = wrap
  }

  /** Writes the whole stream and then `finish()`; stops when the socket is gone. */
  pump(socket: Socket, finish: () => void): void {
    const more = (): void => {
      this.blocked = false
      while (this.written < this.#total) {
        if (socket.destroyed) return
        const size = Math.min(BLOCK, this.#total - this.written)
        const from = ((this.written / BLOCK + this.#seed) * 40_503) % (POOL.length - BLOCK)
        const block = POOL.subarray(from, from + size)
        this.hash.update(block)
        this.written += size
        if (!socket.write(this.#wrap(block))) {
          this.blocked = true
          socket.once('drain', more)
          this.signal.notify()
          return
        }
      }
      this.done = true
      this.digest = this.hash.digest('hex')
      finish()
      this.signal.notify()
    }
    more()
  }
}

export function chunk(block: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, Buffer.from('\r\n')])
}

export class StreamingOrigin {
  readonly signal = new Signal()
  readonly sockets = new Set<Socket>()
  requests = 0
  readonly #server: Server

  private constructor(handler: Handler) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket, handler))
  }

  static async start(handler: Handler): Promise<StreamingOrigin> {
    const origin = new StreamingOrigin(handler)
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve))
    return origin
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the streaming origin is not listening')
    return address.port
  }

  #accept(socket: Socket, handler: Handler): void {
    this.sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.sockets.delete(socket)
      this.signal.notify()
    })
    let seen = Buffer.alloc(0)
    let handled = false
    const read = (bytes: Buffer): void => {
      seen = Buffer.concat([seen, bytes])
      const end = seen.indexOf('\r\n\r\n')
      if (end === -1) return
      socket.off('data', read)
      this.requests += 1
      const ends = socket.listenerCount('end')
      handler(socket, seen.subarray(0, end + 4).toString('latin1'), seen.subarray(end + 4))
      handled = socket.listenerCount('end') > ends
      this.signal.notify()
    }
    socket.on('data', read)
    // When the peer ends, so does the origin, unless the handler looks after that itself.
    socket.on('end', () => {
      if (!handled) socket.end()
    })
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

/** Waits until a number has stopped growing: the same in 25 looks 10 ms apart. */
export async function settled(value: () => number, milliseconds = 10_000): Promise<number> {
  const signal = new Signal()
  let last = value()
  let same = 0
  const looking = setInterval(() => {
    same = value() === last ? same + 1 : 0
    last = value()
    signal.notify()
  }, 10)
  try {
    return await signal.until(() => (same >= 25 ? last : undefined), 'a number to stop growing', milliseconds)
  } finally {
    clearInterval(looking)
  }
}
