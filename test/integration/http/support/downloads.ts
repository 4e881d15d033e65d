// Large files, the servers that hold them (RFC 9110 §14) and break off in the middle, and clients that download them.
import { createHash } from 'node:crypto'
import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect } from 'node:http2'
import type { Answer, Script } from '../../../support/recording-upstream.ts'
import { Signal } from '../../../support/signal.ts'
import { valuesOf } from '../../../support/strict-http.ts'

export const MEBIBYTE = 1_048_576

/** Without repetitions, so that bytes in the wrong place are wrong bytes. */
export function content(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0, state = seed; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

export const digest = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex')

export type Download = Readonly<{ status: number; headers: IncomingHttpHeaders; body: Buffer; whole: boolean }>

export type Reply = { status: number; fields: Record<string, string>; body: Buffer }

export type Serving = {
  readonly file: Buffer
  readonly etag?: string
  /** Sent of the body before it breaks off. */
  readonly cut?: number
  readonly after?: Answer['after']
  /** Sent in pieces of this size, so that it can be told how much was. */
  readonly pieces?: number
  /** It breaks off when this has happened. */
  readonly when?: () => Promise<unknown>
  /** What it does wrong. */
  readonly spoil?: (reply: Reply) => void
}

/** What a good server answers. */
export function reply({ file, etag = '"v1"', spoil }: Serving, range = '', condition = etag): Reply {
  const from = condition === etag ? /^bytes=([0-9]+)-$/.exec(range)?.[1] : undefined
  const body = file.subarray(Number(from ?? 0))
  const fields: Record<string, string> = { etag, 'content-length': `${body.length}` }
  if (from !== undefined) fields['content-range'] = `bytes ${from}-${file.length - 1}/${file.length}`
  const good = { status: from === undefined ? 200 : 206, fields, body }
  spoil?.(good)
  return good
}

/** The nth request gets the nth answer, and all others the last. */
export function files(...servings: [Serving, ...Serving[]]): Script {
  let asked = 0
  return ({ method, fields }, { socket }) => {
    const serving = servings[Math.min(asked++, servings.length - 1)] ?? servings[0]
    const { cut, after, when, pieces = Number.POSITIVE_INFINITY } = serving
    const answer = reply(serving, valuesOf(fields, 'range')[0], valuesOf(fields, 'if-range')[0])
    const lines = Object.entries(answer.fields).map(([name, value]) => `${name}: ${value}\r\n`)
    const head = Buffer.from(`HTTP/1.1 ${answer.status} Scripted\r\n${lines.join('')}\r\n`)
    if (method === 'HEAD') return { bytes: head }
    const bytes = Buffer.concat([head, answer.body.subarray(0, cut)])
    if (when) {
      void when().then(() => socket.end())
      return { bytes }
    }
    const splits = Array.from({ length: Math.floor(bytes.length / pieces) }, (_, index) => (index + 1) * pieces)
    return { bytes, splits, after: after ?? (cut === undefined ? 'keep' : 'end') }
  }
}

/** One download, followed as it comes. */
export class Downloading {
  readonly signal = new Signal()
  readonly #chunks: Buffer[] = []
  received = 0

  take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.received += chunk.length
    this.signal.notify()
  }

  until(received: number): Promise<boolean> {
    return this.signal.until(() => this.received >= received, `${received} bytes`, 10_000)
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

export type Asking = {
  readonly path?: string
  readonly headers?: Record<string, string>
  /** Gets the answer when it begins, to slow it down. */
  readonly follow?: (answer: IncomingMessage) => void
  readonly progress?: Downloading
}

/** By whatever way it ends. */
export function download(port: number, asking: Asking = {}): Promise<Download> {
  const { path = '/file', headers = {}, follow, progress = new Downloading() } = asking
  return new Promise((resolve, reject) => {
    const request = get({ port, path, headers: { host: 'shop.test', ...headers }, agent: false }, (answer) => {
      // A reset is told here, too; what the answer says of it is enough.
      request.off('error', reject).on('error', () => {})
      answer.on('data', (chunk: Buffer) => progress.take(chunk))
      follow?.(answer)
      answer.on('error', () => {})
      answer.on('close', () => {
        const { statusCode = 0, headers: fields, complete } = answer
        resolve({ status: statusCode, headers: fields, body: progress.body, whole: complete })
      })
    })
    request.on('error', reject)
  })
}

/** Over HTTP/2 with prior knowledge. */
export async function download2(port: number, progress = new Downloading()): Promise<Download> {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const stream = session.request({ ':path': '/file' })
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => progress.take(chunk))
  const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.on('response', resolve)
    stream.on('close', () => reject(new Error('no answer')))
  })
  await new Promise((resolve) => (stream.closed ? resolve(null) : stream.on('close', resolve)))
  session.destroy()
  return { status: Number(headers[':status']), headers, body: progress.body, whole: stream.rstCode === 0 }
}
