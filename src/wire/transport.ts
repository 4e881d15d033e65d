/**
 * One socket, read through a reusable buffer instead of a stream: no Buffer per read, no Readable machinery.
 *
 * The trap this file guards: `write(slice)` may not complete at once, and the kernel's copy is then taken later from
 * memory that the next read overwrites. So bytes of the shared buffer are copied before they are written, and bytes of a
 * buffer of one's own are written in place; when that did not complete, reads get another buffer until it has.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { Clock } from '../core/time.ts'
import type { OnRead } from './adopt.ts'
import { adopt } from './adopt.ts'
import type { ConnectTls, ConnectTo } from './connect-to.ts'
import { tlsOptions } from './connect-to.ts'
import type { DialOwner, Where } from './dial.ts'
import { Dial } from './dial.ts'
import type { Sender } from './outbox.ts'
import { sendAtEndOfTurn } from './outbox.ts'
import { giveBack, lend, shared } from './read-buffers.ts'
import { resetSecured } from './server-tls.ts'

/** When that much waits for the kernel to take it, the peer should be given time. */
const MOST_PENDING = 65_536

export interface TransportOwner {
  onConnected(): void
  /** `bytes[0..length)` just arrived; valid during the call only. */
  onBytes(bytes: Buffer, length: number): void
  /** The peer will send no more (FIN). */
  onReadEnd(): void
  onWritable(): void
  /** Exactly once, and the last call. */
  onClosed(error: NodeJS.ErrnoException | null): void
}

export class Transport implements Sender, DialOwner {
  /** That it is connected to; '' until then, and of accepted ones. */
  address = ''
  private readonly owner: TransportOwner
  private readonly tls: ConnectTls | null
  /** Null while it is being connected, or when that came to nothing. */
  private socket: net.Socket | null = null
  private dial: Dial | null = null
  /** Reads go where we say. Otherwise they come as events, in memory of their own. */
  private steered = false
  /** Where reads shall go: the shared buffer, unless a long message is under way. */
  private readInto: Buffer = shared
  /** Where the next read goes, whatever was decided since the last one. */
  private promised: Buffer = shared
  /** A write refers to what was read last. */
  private promisedIsPinned = false
  /** Buffers of other sockets, of which the kernel has not taken everything yet. */
  private readonly pinned: Buffer[] = []
  private paused = false
  /** The peer is to be given time, until the kernel has taken everything. */
  private stalled = false
  /** Written in this turn of the event loop: mostly one piece, else with what follows it. */
  private unsent: string | Buffer | null = null
  private unsentMore: (string | Buffer)[] = []
  private unsentLength = 0
  /** What is to become of it when that is sent. */
  private afterwards: 'goes-on' | 'ends' | 'closes' = 'goes-on'
  private failure: NodeJS.ErrnoException | null = null

  static accept(owner: TransportOwner, accepted: net.Socket): Transport {
    const transport = new Transport(owner, null)
    transport.take(adopt(accepted, transport.onread()))
    return transport
  }

  static connect(owner: TransportOwner, to: ConnectTo, clock: Clock): Transport {
    const transport = new Transport(owner, to.tls)
    transport.dial = new Dial(to, transport, clock)
    return transport
  }

  private constructor(owner: TransportOwner, security: ConnectTls | null) {
    this.owner = owner
    this.tls = security
  }

  private onread(): OnRead {
    return {
      buffer: () => this.nextBuffer(),
      callback: (length, buffer) => {
        this.owner.onBytes(buffer as Buffer, length)
        return true
      },
    }
  }

  openSocket(where: Where): net.Socket {
    const options = { ...where, allowHalfOpen: true, onread: this.onread() } as const
    return this.tls ? tls.connect({ ...options, ...tlsOptions(this.tls) }) : net.connect(options)
  }

  onDialled(socket: net.Socket, address: string): void {
    this.dial = null
    this.address = address
    this.take(socket)
    this.flush()
    if (!this.tls) this.owner.onConnected()
  }

  onUndialled(error: NodeJS.ErrnoException | null): void {
    this.owner.onClosed(error)
  }

  private take(socket: net.Socket): void {
    const { owner } = this
    this.socket = socket
    if (socket instanceof tls.TLSSocket) socket.once('secureConnect', () => owner.onConnected())
    socket.on('end', () => owner.onReadEnd())
    socket.on('error', (error) => {
      this.failure = error
      // After its handshake a TLS socket only tells of an error, and stays open.
      if (socket instanceof tls.TLSSocket) socket.destroy()
    })
    socket.on('close', () => {
      this.endStream()
      this.nextBuffer()
      owner.onClosed(this.failure)
    })
    // A socket that could not take the reusable buffer falls back to ordinary events; their chunks are its own.
    socket.on('data', (chunk: Buffer) => owner.onBytes(chunk, chunk.length))
  }

  /** Called when the bytes of the last read have been handed over: from now on nothing is read into that buffer. */
  private nextBuffer(): Buffer {
    const { promised, readInto } = this
    this.steered = true
    if (promised === readInto) return readInto
    if (promised !== shared && !this.promisedIsPinned) giveBack(promised)
    this.promisedIsPinned = false
    this.promised = readInto
    return readInto
  }

  get closed(): boolean {
    return this.socket?.destroyed ?? this.dial?.over ?? false
  }

  /** Bytes written that the kernel has not taken yet. */
  get pending(): number {
    return (this.socket?.writableLength ?? 0) + this.unsentLength
  }

  /** A long message is under way: reads get a larger buffer of their own, so that it can be written on in place. */
  startStream(): void {
    // What is paused reads nothing, and may be one of thousands: it gets its buffer when it goes on.
    if (!this.steered || this.paused || this.readInto !== shared) return
    this.readInto = this.promised === shared || this.promisedIsPinned ? lend() : this.promised
  }

  endStream(): void {
    const { readInto, promised } = this
    this.readInto = shared
    // Nothing was ever read into it.
    if (readInto !== shared && readInto !== promised) giveBack(readInto)
  }

  /** All writes return false when the peer should be given time: wait for `onWritable`. */
  writeText(latin1: string): boolean {
    return this.write(latin1)
  }

  /** Bytes that stay as they are until they are written. */
  writeKept(bytes: Buffer): boolean {
    return this.write(bytes)
  }

  /** Bytes that `source` is delivering at this moment; without a source they stay as they are until they are written. */
  writeFrom(source: Transport | null, bytes: Buffer, from: number, to: number): boolean {
    const { socket } = this
    const piece = bytes.subarray(from, to)
    if (bytes === shared || !socket) return this.writeKept(Buffer.from(piece))
    if (source?.promised !== bytes) return this.writeKept(piece)
    this.flush()
    socket.write(piece, this.onTaken)
    if (socket.writableLength === 0) return true
    this.pin(source, bytes)
    return false
  }

  private write(piece: string | Buffer): boolean {
    if (this.unsent === null) {
      this.unsent = piece
      sendAtEndOfTurn(this)
    } else this.unsentMore.push(piece)
    this.unsentLength += piece.length
    this.stalled ||= this.pending >= MOST_PENDING
    return !this.stalled
  }

  /** Sends what has been written in this turn. */
  flush(): void {
    const { socket, unsent } = this
    if (socket === null) return
    if (unsent !== null) this.send(socket, unsent)
    if (this.afterwards !== 'goes-on') this.leave(socket)
  }

  private send(socket: net.Socket, first: string | Buffer): void {
    const { unsentMore } = this
    this.unsent = null
    this.unsentLength = 0
    if (unsentMore.length === 0) return this.sendNow(socket, first)
    this.unsentMore = []
    socket.cork()
    this.sendNow(socket, first)
    for (const piece of unsentMore) this.sendNow(socket, piece)
    socket.uncork()
  }

  private sendNow(socket: net.Socket, piece: string | Buffer): void {
    const taken = this.stalled ? this.onTaken : undefined
    if (typeof piece === 'string') socket.write(piece, 'latin1', taken)
    else socket.write(piece, taken)
  }

  private pin(source: Transport, bytes: Buffer): void {
    this.stalled = true
    if (source.promisedIsPinned) return
    source.promisedIsPinned = true
    this.pinned.push(bytes)
    if (source.readInto === bytes) source.readInto = shared
  }

  /** Of every write that is made in place, or while the peer is given time. The last of them finds that all is taken. */
  private readonly onTaken = (): void => {
    const { socket, pinned } = this
    if (!this.stalled || this.pending > 0) return
    this.stalled = false
    for (let buffer = pinned.pop(); buffer; buffer = pinned.pop()) giveBack(buffer)
    if (socket && !socket.destroyed) this.owner.onWritable()
  }

  pause(): void {
    this.paused = true
    this.socket?.pause()
  }

  resume(): void {
    this.paused = false
    this.socket?.resume()
  }

  /** No more will be written; reading goes on. */
  end(): void {
    this.leaveSoon('ends')
  }

  /** Nothing more will be written, and nothing that still comes is of interest. */
  close(): void {
    this.leaveSoon('closes')
  }

  private leaveSoon(how: 'ends' | 'closes'): void {
    if (this.unsent === null) sendAtEndOfTurn(this)
    this.afterwards = how
  }

  private leave(socket: net.Socket): void {
    const { afterwards } = this
    this.afterwards = 'goes-on'
    // Unless the kernel has not taken everything yet, or the peer expects a farewell.
    const canClose = socket.writableLength === 0 && !(socket instanceof tls.TLSSocket)
    if (afterwards === 'closes' && canClose) return this.destroy()
    // Ended twice, a socket makes an error for nobody, with a stack trace.
    if (socket.writable) socket.end()
    if (afterwards === 'closes') this.resume()
  }

  destroy(): void {
    this.afterwards = 'goes-on'
    this.flush()
    this.dial?.cancel()
    this.socket?.destroy()
  }

  /** Closes so that the peer cannot take it for a regular end. */
  reset(): void {
    this.afterwards = 'goes-on'
    this.flush()
    this.dial?.cancel()
    if (this.socket) breakOff(this.socket)
  }
}

/** Closes so that the peer cannot take it for a regular end. Resets are TCP's: on unix sockets there is no such way. */
export function breakOff(socket: net.Socket): void {
  if (socket instanceof tls.TLSSocket) resetSecured(socket)
  else if (socket.remoteAddress === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
