// Clients that do anything at any moment, upstreams that answer as chance has it: every request ends once, nothing is left
// behind, and the process lives. (node:http2 can be brought to abort it: what this file finds takes the worker down.)
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/core/time.ts'
import { ms } from '../../../src/core/time.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { turns } from '../../support/signal.ts'
import { StreamingOrigin } from '../../support/streaming-origin.ts'
import { type Random, randomFrom } from '../wire/mutate.ts'
import { Front } from './support/http2-front.ts'
import { GET } from './support/http2-vectors.ts'
import {
  END_HEADERS,
  END_STREAM,
  type FieldPairs,
  fieldBlock,
  frame,
  headers,
  RawHttp2,
  uint32,
} from './support/raw-http2.ts'

const REQUESTS = 2_000
const AT_ONCE = 20
/** Every way must have been gone. */
const ENDS = [null, 'client-gone', 'truncated']
const STREAMS_A_CONNECTION = 12
/** No connection ends only because nothing happens on it. */
const PATIENT = { idleTimeout: 86_400_000, headTimeout: 86_400_000 }
const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL } = constants

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

const of = <T>(random: Random, all: readonly T[]): T => all[random(all.length)] as T

// ---- upstreams -----------------------------------------------------------------------------------------------------

const CLOSE = 'Connection: close\r\n'
const CHUNKED = `HTTP/1.1 200 OK\r\n${CLOSE}Transfer-Encoding: chunked\r\n\r\n`
const LARGE = 'x'.repeat(200_000)
const ANSWERS: readonly string[] = [
  `HTTP/1.1 200 OK\r\n${CLOSE}Content-Length: 3\r\n\r\ntea`,
  `HTTP/1.1 204 No Content\r\n${CLOSE}\r\n`,
  `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${CHUNKED}3\r\ntea\r\n0\r\nX-Sum: 1\r\n\r\n`,
  `HTTP/1.1 413 Too Large\r\n${CLOSE}Content-Length: 2\r\n\r\nno`,
  `HTTP/1.1 200 OK\r\n${CLOSE}Content-Length: ${LARGE.length}\r\n\r\n${LARGE}`,
  // Broken off: with and without something of its body, in its trailers.
  `HTTP/1.1 200 OK\r\n${CLOSE}Content-Length: 400000\r\n\r\n${LARGE}`,
  CHUNKED,
  `${CHUNKED}3\r\ntea\r\n`,
  `${CHUNKED}3\r\ntea\r\n0\r\nX-Sum:`,
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n',
  '',
]

function answer(random: Random, socket: Socket): void {
  // The rest never comes: what ends it is the client.
  if (random(6) === 0) return void socket.write(`${CHUNKED}3\r\ntea\r\n`)
  const text = of(random, ANSWERS)
  const cut = text.indexOf('\r\n\r\n') + 4
  const how = random(4)
  if (how === 0) return void socket.end(text, 'latin1')
  if (how === 1) return void socket.resetAndDestroy()
  socket.write(text.slice(0, cut), 'latin1')
  setImmediate(() => {
    if (socket.writable) socket.end(text.slice(cut), 'latin1')
  })
}

// ---- clients -------------------------------------------------------------------------------------------------------

/** One node:http2 lets through, and one that only we refuse. */
const TRAILERS: readonly FieldPairs[] = [[['x-sum', '1']], [['x-sum', ' 1']], [['X-Sum', '1']], [[':path', '/']]]

function request(random: Random, id: number): Buffer[] {
  const method = of(random, ['GET', 'HEAD', 'POST', 'POST', 'POST'])
  const fields: (readonly [string, string])[] = GET.map(([name, value]) => [name, name === ':method' ? method : value])
  if (random(3) === 0) fields.push(['content-type', 'application/grpc'])
  if (method !== 'POST') return [headers(fields, { id })]
  if (random(3) === 0) fields.push(['content-length', `${of(random, [3, 6, 9])}`])
  const frames = [headers(fields, { id, end: false })]
  for (let count = random(4); count > 0; count--) frames.push(frame('DATA', 0, id, 'tea'))
  const last = random(4)
  if (last === 0) frames.push(frame('HEADERS', END_HEADERS | END_STREAM, id, fieldBlock(of(random, TRAILERS))))
  else if (last < 3) frames.push(frame('DATA', END_STREAM, id, 'end'))
  return frames
}

const SPOILERS: readonly ((id: number) => Buffer)[] = [
  ...[NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL].map(
    (code) => (id: number) => frame('RST_STREAM', 0, id, uint32(code)),
  ),
  (id) => frame('WINDOW_UPDATE', 0, id, uint32(0)),
  (id) => frame('DATA', 0, id, 'more'),
  (id) => frame('DATA', END_STREAM, id, 'more'),
]
const LAST_WORDS: readonly ((id: number) => Buffer)[] = [
  () => frame('GOAWAY', 0, 0, Buffer.concat([uint32(0), uint32(0)])),
  () => frame('GOAWAY', 0, 0, Buffer.concat([uint32(0), uint32(1)])),
  () => frame('WINDOW_UPDATE', 0, 0, uint32(0)),
  (id) => frame('HEADERS', 0, id + 2, fieldBlock(GET)),
  () => Buffer.from('nothing that could be a frame'),
]

/** One connection; its frames come in one piece or in several, and are disturbed at any point. */
async function rawClient(front: Front, random: Random): Promise<number> {
  const client = await RawHttp2.open(front.port)
  let id = 1
  for (; id < 2 * STREAMS_A_CONNECTION && !client.closed; id += 2) {
    const frames = request(random, id)
    if (random(2) === 0) frames.splice(random(frames.length) + 1, 0, of(random, SPOILERS)(id))
    if (random(40) === 0) frames.push(of(random, LAST_WORDS)(id))
    const at = random(frames.length + 1)
    client.send(...frames.slice(0, at))
    if (random(2) === 0) await read(client)
    client.send(...frames.slice(at))
    if (random(3) > 0) await heard(client, id)
    if (random(6) === 0) client.send(of(random, SPOILERS)(id))
    if (random(30) === 0) client.socket.resetAndDestroy()
  }
  if (random(2) === 0) client.socket.end()
  else client.destroy()
  return (id - 1) / 2
}

/** A word about the stream, if one comes: what breaks off or waits for more may get none. */
async function heard(client: RawHttp2, id: number): Promise<void> {
  const word = () => client.closed || client.frames.some((sent) => sent.id === id && sent.type !== 'WINDOW_UPDATE')
  await client.signal.until(word, 'a word', 50).catch(() => {})
}

/** Frames come in different reads. */
async function read(client: RawHttp2): Promise<void> {
  if (client.goaway === undefined) await Promise.race([client.caughtUp().catch(() => {}), turns(20)])
}

// ---- the same with the client of Node, in a process of its own: what takes it down is not to pass for a proxy's end -------

async function nodeClients(port: number, seed: number): Promise<string> {
  const script = fileURLToPath(new URL('support/fickle-http2-clients.ts', import.meta.url))
  const child = spawn(process.execPath, [script, `${port}`, `${seed}`], { stdio: ['ignore', 'inherit', 'inherit'] })
  cleanup.push(() => child.kill('SIGKILL'))
  const [code, signal] = await once(child, 'exit')
  return `${code ?? signal}`
}

describe('whatever happens, every request ends once and nothing is left', () => {
  let front: Front
  let random: Random
  /** Time flies: 10 s from sweep to sweep. */
  let hurried: boolean
  let skipped: number
  const clock: Clock = {
    ...systemClock,
    now: () => ms(systemClock.now() + skipped),
    every: (interval, task) =>
      systemClock.every(interval, () => {
        if (hurried) skipped += 10_000
        task()
      }),
  }
  async function start(seed: number): Promise<void> {
    hurried = false
    skipped = 0
    random = randomFrom(seed)
    const origin = await StreamingOrigin.start((socket) => {
      if (random(8) === 0) answer(random, socket)
      else setImmediate(() => answer(random, socket))
    })
    cleanup.push(() => origin.stop())
    front = await Front.start({ bluePort: origin.port, clock, limits: PATIENT, policy: { failover: 'observe' } })
    cleanup.push(() => front.stop())
  }
  async function nothingLeft(): Promise<void> {
    await front.signal.until(() => front.connections.size === 0, 'all connections to end')
    expect(front.inFlight).toBe(0)
    const ids = front.records.map(({ requestId }) => requestId)
    expect([ids.length, new Set(ids).size]).toEqual([ids.length, ids.length])
    expect(ids.length).toBeGreaterThan(REQUESTS / 4)
    for (const end of ENDS) expect([end, front.records.some(({ error }) => error === end)]).toEqual([end, true])
  }

  test.each([1, 2])('by clients that heed no rule (seed %d)', { timeout: 60_000 }, async (seed) => {
    await start(seed)
    let streams = 0
    const keepGoing = async (): Promise<void> => {
      while (streams < REQUESTS) {
        const asked = await rawClient(front, random)
        streams += asked
        if (random(40) === 0) for (const connection of front.connections) connection.closeWhenDone()
        if (random(80) === 0) for (const connection of front.connections) connection.kill()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, keepGoing))
    // A session that has sent or heard GOAWAY and then fails stops reading (node:http2): its client's end goes unnoticed.
    // What is waited for has a deadline all the same.
    hurried = true
    await nothingLeft()
  })

  test.each([1, 2])('by clients that let go at any moment (seed %d)', { timeout: 60_000 }, async (seed) => {
    await start(seed)
    expect(await nodeClients(front.port, seed)).toBe('0')
    await nothingLeft()
  })
})
