/**
 * Looks at the beginning of a connection before anybody reads it. What is not used up goes back into the socket, which is
 * left as it was found: paused, without listeners.
 *
 * It listens to 'data', not to 'readable': removing a listener for 'readable' takes effect a tick later, and then undoes
 * the pause behind the back of whoever has got the socket by then. And it decides within the event, before the next read:
 * a FIN behind the first bytes is still to come when the socket is passed on.
 */
import type net from 'node:net'

export interface PeekOwner {
  /** All bytes so far. Returns how many of them are used up; null: not known yet, or the socket has been destroyed. */
  onBeginning(bytes: Buffer): number | null
  /** The rest has been put back: the socket is free. */
  onDecided(): void
  /** The client finished sending, or the connection broke, with so many bytes received and nothing decided. */
  onCutShort(received: number): void
}

export class Peek {
  private readonly socket: net.Socket
  private readonly owner: PeekOwner
  private bytes: Buffer = Buffer.alloc(0)

  /** `socket`: fresh and paused, nobody else listening. */
  constructor(socket: net.Socket, owner: PeekOwner) {
    this.socket = socket
    this.owner = owner
    socket.on('data', this.onData)
    socket.on('end', this.onCutShort)
    socket.on('error', ignored)
    socket.on('close', this.onCutShort)
    socket.resume()
  }

  stop(): void {
    const { socket } = this
    socket.off('data', this.onData)
    socket.off('end', this.onCutShort)
    socket.off('error', ignored)
    socket.off('close', this.onCutShort)
  }

  private readonly onData = (chunk: Buffer): void => {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk])
    const used = this.owner.onBeginning(this.bytes)
    if (used === null) return
    this.stop()
    this.socket.pause()
    if (used < this.bytes.length) this.socket.unshift(this.bytes.subarray(used))
    this.owner.onDecided()
  }

  private readonly onCutShort = (): void => {
    this.stop()
    this.owner.onCutShort(this.bytes.length)
  }
}

/** 'close' follows. */
const ignored = (): void => {}
