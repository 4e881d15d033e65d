// The load as HTTP/2 over TLS, on a few connections in turn. There is no keep-alive race here to be excused: a server that
// ends a connection says which streams it has not touched (GOAWAY), and a proxy that is not being stopped has no reason to.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { Ending } from './connection.ts'
import { checksum, type LoadClient, type Send } from './load-client.ts'
import type { PlannedRequest } from './plan.ts'
import type { LoadError } from './row.ts'

/** `ca`: PEM text. The certificate has to be for `localhost`. */
export type Http2ClientOptions = { readonly port: number; readonly ca: string; readonly timeoutMs: number }

const CONNECTIONS = 4

class Slot {
  readonly #options: Http2ClientOptions
  #session: ClientHttp2Session | null = null
  #used = false

  constructor(options: Http2ClientOptions) {
    this.#options = options
  }

  /** On the connection there is, or on a new one. */
  open(headers: Record<string, string>, endStream: boolean): { stream: ClientHttp2Stream; reused: boolean } {
    const session = this.#session && !this.#session.closed && !this.#session.destroyed ? this.#session : this.#connect()
    const reused = this.#used
    this.#used = true
    return { stream: session.request(headers, { endStream }), reused }
  }

  close(): void {
    this.#session?.destroy()
  }

  #connect(): ClientHttp2Session {
    const { port, ca } = this.#options
    const session = connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost', ALPNProtocols: ['h2'] })
    // Its streams say so too.
    session.on('error', () => {})
    this.#session = session
    this.#used = false
    return session
  }
}

const headersOf = ({ method, path, id, body }: PlannedRequest): Record<string, string> => ({
  ':method': method,
  ':path': path,
  ':authority': 'shop.test',
  'x-bench-id': id,
  'x-bench-checksum': checksum(body),
  ...(method === 'POST' ? { 'content-length': `${body.length}`, 'content-type': 'application/octet-stream' } : {}),
})

/** What became of a stream that has closed. */
const endingOf = (seen: Seen, rstCode: number | undefined): Ending => {
  const { status, length, body, ended, reused, failure } = seen
  const reset = failure !== null || rstCode !== constants.NGHTTP2_NO_ERROR
  const fail = (error: LoadError): Ending => ({ error, reused })
  if (seen.late) return fail('timeout')
  if ((failure?.cause as NodeJS.ErrnoException | undefined)?.syscall === 'connect') return fail('refused')
  if (status === 0) return fail(reset ? 'reset' : 'closed')
  const bytes = Buffer.concat(body)
  if (!ended || reset || (length !== null && length !== bytes.length)) return fail('truncated')
  return { error: null, answer: { status, body: bytes, keepAlive: true }, reused }
}

type Seen = {
  status: number
  length: number | null
  readonly body: Buffer[]
  ended: boolean
  failure: Error | null
  late: boolean
  readonly reused: boolean
}

export const http2Client = (options: Http2ClientOptions): LoadClient => {
  const slots = Array.from({ length: CONNECTIONS }, () => new Slot(options))
  let turn = 0

  const send = (headers: Record<string, string>, content: Buffer, done: (ending: Ending) => void): void => {
    const slot = slots[turn++ % CONNECTIONS] as Slot
    const { stream, reused } = slot.open(headers, content.length === 0)
    const seen: Seen = { status: 0, length: null, body: [], ended: false, failure: null, late: false, reused }
    const timer = setTimeout(() => {
      seen.late = true
      stream.close(constants.NGHTTP2_CANCEL)
    }, options.timeoutMs)
    stream.on('response', (fields) => {
      seen.status = Number(fields[':status'])
      const length = fields['content-length']
      seen.length = length === undefined ? null : Number(length)
    })
    stream.on('data', (bytes: Buffer) => seen.body.push(bytes))
    stream.on('end', () => {
      seen.ended = true
    })
    stream.on('error', (error) => {
      seen.failure = error
    })
    stream.on('close', () => {
      clearTimeout(timer)
      done(endingOf(seen, stream.rstCode))
    })
    if (content.length > 0) stream.end(content)
  }

  return {
    prepare: (request): Send => {
      const headers = headersOf(request)
      return (done) => send(headers, request.body, done)
    },
    close: () => {
      for (const slot of slots) slot.close()
    },
  }
}
