// A gRPC server, by hand on node:http2, that proves of streams not to have looked at them (RFC 9113 §8.7), as many as it was
// told to: by REFUSED_STREAM, or by a GOAWAY that leaves them out (not the first of a connection: node:http2 cannot say
// that). Health is always told.
import { constants, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { HEALTH } from './grpc-service.ts'

const SERVING = Buffer.from([0x08, 0x01])

export class RefusingGrpc {
  readonly name: string
  /** Still to be refused. */
  refuses = 0
  how: 'REFUSED_STREAM' | 'GOAWAY' = 'REFUSED_STREAM'
  refused = 0
  served = 0
  readonly #server: Http2Server = createServer()
  readonly #sessions = new Set<{ destroy(): void }>()

  static async start(name: string): Promise<RefusingGrpc> {
    const server = new RefusingGrpc(name)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  private constructor(name: string) {
    this.name = name
    this.#server.on('session', (session) => this.#sessions.add(session))
    this.#server.on('stream', (stream: ServerHttp2Stream, headers: Record<string, unknown>) => {
      stream.on('error', () => {})
      if (headers[':path'] === HEALTH.check.path) return answer(stream, SERVING)
      if (this.refuses > 0) {
        this.refuses -= 1
        this.refused += 1
        return this.#refuse(stream)
      }
      this.served += 1
      answer(stream, Buffer.from(JSON.stringify({ origin: this.name })))
    })
  }

  #refuse(stream: ServerHttp2Stream): void {
    if (this.how === 'REFUSED_STREAM') stream.close(constants.NGHTTP2_REFUSED_STREAM)
    else stream.session?.goaway(constants.NGHTTP2_NO_ERROR, (stream.id ?? 0) - 2)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function answer(stream: ServerHttp2Stream, message: Buffer): void {
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(message.length, 1)
  stream.once('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.concat([frame, message]))
  })
  stream.resume()
}
