// A pair that holds one large file, and what its clients and its metrics say of how downloads of it ended.
import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { valuesOf } from '../../../support/strict-http.ts'
import {
  type Asking,
  content,
  type Download,
  Downloading,
  digest,
  download,
  type download2,
  files,
  MEBIBYTE,
  type Serving,
} from './downloads.ts'
import { Pair, requestText } from './pair.ts'

export const FILE = content(10 * MEBIBYTE)
export const HALF = 5 * MEBIBYTE
const SUM = digest(FILE)
export const RESUME = { replay: { resume: true } }

let pair: Pair

/** `blue` and `green`: what is unusual about how they serve it. The pair becomes the one that all others here ask. */
export async function serve(
  blue: Partial<Serving>,
  green: Partial<Serving> = {},
  pool: object = RESUME,
): Promise<Pair> {
  pair = await Pair.start({ pool, listener: { http2: 'cleartext' } })
  pair.blue.serve = files({ file: FILE, ...blue })
  pair.green.serve = files({ file: FILE, ...green })
  return pair
}

export const rescued = () => pair.metric('requests_rescued_total', 'how="resume"')
export const truncated = () => pair.metric('requests_lost_total', 'why="truncated"')
export const ranges = ({ arrived } = pair.green) => arrived.map(({ fields }) => valuesOf(fields, 'range')[0])

export function expectWhole({ status, body, whole }: Download): void {
  expect([status, body.length, digest(body), whole]).toEqual([200, FILE.length, SUM, true])
}

/** What the client has is the beginning of the file, and it can see that it is no more than that. */
export function expectCut({ status, body, whole }: Download, at = HALF): void {
  expect([status, whole, body.length]).toEqual([200, false, at])
  expect(body.equals(FILE.subarray(0, at))).toBe(true)
}

/** `seen`: what the client sees of it, without framing. */
export type Cut = Partial<Serving> & {
  readonly seen?: number
  readonly asking?: Asking
  readonly get?: typeof download2
}

/** Blue breaks off when the client has all that it was sent: the reset it then sees loses nothing of that. */
export function cutDownload({ asking = {}, get, cut = HALF, seen = cut, ...serving }: Cut = {}): Promise<Download> {
  const progress = new Downloading()
  pair.blue.serve = files({ file: FILE, cut, ...serving, when: () => progress.until(seen) })
  return get ? get(pair.proxy.port, progress) : download(pair.proxy.port, { ...asking, progress })
}

export const nothingInFlight = () =>
  pair.until(({ upstreams }) => upstreams.every(({ inFlight }) => inFlight === 0), 'nothing to be in flight')

/** A client with a mind to leave: it reads, until somebody ends it. */
export function leaver(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(pair.proxy.port, '127.0.0.1')
    socket.write(requestText({ target: '/file' }))
    socket.on('error', () => {})
    socket.resume()
    socket.once('data', () => resolve(socket))
  })
}
