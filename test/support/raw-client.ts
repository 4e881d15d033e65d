// A client that sends exactly the bytes it is given and reads the answers with the strict reader.

import { connect, type Socket } from 'node:net'
import { cut, Signal, turns } from './signal.ts'
import { type ResponseStream, readResponses, type StrictResponse } from './strict-http.ts'

export type Ending = 'open' | 'end' | 'reset'

export class RawClient {
  readonly socket: Socket
  readonly signal = new Signal()
  /** how the peer ended the connection: FIN is `end`, RST (or a broken pipe before any FIN) is `reset` */
  ending: Ending = 'open'
  #chunks: Buffer[] = []
  #text: string | null = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#text = null
      this.signal.notify()
    })
    socket.on('end', () => {
      this.ending = 'end'
      this.signal.notify()
    })
    socket.on('error', () => {
      if (this.ending === 'open') this.ending = 'reset'
      this.signal.notify()
    })
    socket.on('close', () => {
      if (this.ending === 'open') this.ending = 'end'
      this.signal.notify()
    })
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  /** Everything received so far, one character a byte. */
  get text(): string {
    this.#text ??= Buffer.concat(this.#chunks).toString('latin1')
    return this.#text
  }

  /** Drops what was received, for the next exchange on the same connection. */
  forget(): void {
    this.#chunks = []
    this.#text = ''
  }

  /** Sends the bytes, one write and at least two turns of the event loop a piece; stops when the peer has closed. */
  async send(bytes: string | Buffer, splits: readonly number[] = []): Promise<void> {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const pieces = cut(whole, splits)
    for (const piece of pieces) {
      if (this.ending !== 'open' || this.socket.destroyed) return
      await this.#write(piece)
      if (pieces.length > 1) await turns()
    }
  }

  /** Resolves when the kernel took the bytes, or when it never will because the connection is gone. */
  #write(piece: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.once('close', resolve)
      this.socket.write(piece, () => {
        this.socket.off('close', resolve)
        resolve()
      })
    })
  }

  read(methods: readonly string[] = ['GET']): ResponseStream {
    return readResponses(this.text, methods, this.ending === 'end')
  }

  /** Waits for `count` complete final responses; rejects at the deadline, or when the peer closes before. */
  async responses(
    count: number,
    methods: readonly string[] = ['GET'],
    milliseconds = 5_000,
  ): Promise<StrictResponse[]> {
    const read = await this.signal.until(
      () => {
        const now = this.read(methods)
        return now.finals.length >= count || now.rest === 'malformed' || this.ending !== 'open' ? now : undefined
      },
      `${count} responses`,
      milliseconds,
    )
    if (read.finals.length < count) {
      throw new Error(`${read.finals.length} of ${count} responses (${this.ending}), then ${read.rest}: ${read.why}`)
    }
    return [...read.finals]
  }

  async response(method = 'GET', milliseconds = 5_000): Promise<StrictResponse> {
    const [only] = await this.responses(1, [method], milliseconds)
    if (!only) throw new Error('no response')
    return only
  }

  closed(milliseconds = 5_000): Promise<Ending> {
    return this.signal.until(() => this.ending !== 'open' && this.ending, 'the connection to close', milliseconds)
  }

  halfClose(): void {
    this.socket.end()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  destroy(): void {
    this.socket.destroy()
  }
}
