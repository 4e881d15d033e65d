// Node's own HTTP/2 server as an upstream, and channels to it.

import http2, { type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { Signal } from '../../support/signal.ts'
import { type Asked, Heard, listening, type Rig, type RigOptions, rigTo } from './http2-rig.ts'

/** A request as it arrived; `body` and `trailers` once it has ended. */
export type Seen = {
  stream: ServerHttp2Stream
  headers: IncomingHttpHeaders
  raw: string[]
  body: string
  trailers: string[] | null
}

export class Http2Origin {
  readonly seen: Seen[] = []
  readonly signal = new Signal()
  readonly sessions: ServerHttp2Session[] = []
  port = 0
  rig: Rig
  private readonly server: http2.Http2Server

  /** `answer` is called when the request has come whole, or with `early` as soon as its head has. */
  static async start(
    answer: (stream: ServerHttp2Stream, seen: Seen) => void,
    options: RigOptions & { settings?: http2.Settings; early?: boolean } = {},
  ): Promise<Http2Origin> {
    const { settings = {}, early = false } = options
    const server = http2.createServer({ settings })
    const port = await listening(server)
    const origin = new Http2Origin(server, port, rigTo(port, options))
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
      const seen: Seen = { stream, headers, raw, body: '', trailers: null }
      origin.seen.push(seen)
      origin.signal.notify()
      stream.on('error', () => {})
      if (early) return answer(stream, seen)
      stream.on('trailers', (_trailers: unknown, _f: unknown, list: string[]) => {
        seen.trailers = list
      })
      stream.on('data', (bytes: Buffer) => {
        seen.body += bytes.toString('latin1')
      })
      stream.on('end', () => answer(stream, seen))
    })
    return origin
  }

  private constructor(server: http2.Http2Server, port: number, rig: Rig) {
    this.server = server
    this.port = port
    this.rig = rig
    server.on('session', (session) => {
      this.sessions.push(session)
      session.on('error', () => {})
      session.on('close', () => this.signal.notify())
    })
  }

  /** `acquire(true)`, unless a test says which channel. */
  ask(asked: Asked = {}, channel = this.rig.channels.acquire(true)): Heard {
    return new Heard(channel, asked)
  }

  async stop(): Promise<void> {
    this.rig.stop()
    for (const session of this.sessions) session.destroy()
    await new Promise((closed) => this.server.close(closed))
  }
}
