// Keeps a number of connections full of 16 KiB writes for a time, then waits until the origin has seen all of them: what is
// counted went through the proxy completely.
import { connect, type Socket } from 'node:net'
import { now, until } from '../../clock.ts'
import type { Run } from '../engine-bench.ts'
import { ACKNOWLEDGED, ECHO, SINK, WINDOW, WRITE_BYTES } from './messages.ts'
import type { TcpOrder } from './orders.ts'

const CHUNK = Buffer.alloc(WRITE_BYTES, 'Payload that nobody reads. ')
// Bytes that come back are counted, never looked at, so all connections may overwrite each other's.
const IGNORED = Buffer.allocUnsafeSlow(65_536)
const GIB = 2 ** 30
const SETTLE_MS = 5_000

class Stream {
  written = 0
  seen = 0
  open = false
  failure: Error | null = null
  private sending = false
  private readonly socket: Socket
  /** What one byte that comes back stands for. */
  private readonly unit: number

  constructor(port: number, mode: TcpOrder['mode']) {
    this.unit = mode === 'echo' ? 1 : ACKNOWLEDGED
    const options = {
      port,
      host: '127.0.0.1',
      noDelay: true,
      // So that 'drain' follows every write that had to wait; with the default a single one would go unnoticed.
      writableHighWaterMark: 1,
      onread: {
        buffer: IGNORED,
        callback: (length: number) => {
          this.seen += length * this.unit
          this.fill()
          return true
        },
      },
    }
    this.socket = connect(options)
    this.socket.once('connect', () => {
      this.socket.write(Buffer.of(mode === 'echo' ? ECHO : SINK))
      this.open = true
    })
    this.socket.on('drain', () => this.fill())
    this.socket.on('error', (error) => this.fail(error))
    this.socket.on('close', () => this.fail(new Error('closed by the other side')))
  }

  start(): void {
    this.sending = true
    this.fill()
  }

  /** No more writes; what is under way still arrives. */
  stop(): void {
    this.sending = false
  }

  end(): void {
    this.socket.removeAllListeners('close')
    this.socket.destroy()
  }

  get settled(): boolean {
    // Only full units come back.
    return this.failure !== null || this.written - this.seen < this.unit
  }

  private fill(): void {
    // One write at a time in the kernel's hands: a queue here would be written as one large piece.
    while (this.sending && this.written - this.seen < WINDOW && this.socket.writableLength === 0) {
      this.socket.write(CHUNK)
      this.written += WRITE_BYTES
    }
  }

  private fail(error: Error): void {
    this.failure ??= error
    this.sending = false
  }
}

const opened = async (streams: readonly Stream[]): Promise<void> => {
  await until('connections', () => streams.every(({ open, failure }) => open || failure !== null), SETTLE_MS)
  const failure = streams.find((stream) => stream.failure !== null)?.failure
  if (failure) throw failure
}

export const runStreams = async ({ port, mode, connections, seconds }: TcpOrder): Promise<Run> => {
  const streams = Array.from({ length: connections }, () => new Stream(port, mode))
  try {
    await opened(streams)
    const startedAt = now()
    for (const stream of streams) stream.start()
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
    for (const stream of streams) stream.stop()
    await until('the last bytes', () => streams.every(({ settled }) => settled), SETTLE_MS)
    const elapsed = (now() - startedAt) / 1_000
    const bytes = streams.reduce((sum, { seen }) => sum + seen, 0)
    const errors = streams.filter(({ failure }) => failure !== null).length
    return { amount: bytes / GIB, seconds: elapsed, p50Ms: null, p99Ms: null, errors }
  } finally {
    for (const stream of streams) stream.end()
  }
}
