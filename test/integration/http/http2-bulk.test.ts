// Large bodies over HTTP/2: every byte arrives in order whatever the pace of the reader, many share one connection, and
// what nobody takes fills neither the proxy nor the way of the others.
import { createHash } from 'node:crypto'
import type { ClientHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { chunk, type Handler, Stream, StreamingOrigin, settled } from '../../support/streaming-origin.ts'
import { answerTo, Front } from './support/http2-front.ts'
import { GET } from './support/http2-vectors.ts'
import { frame, headers, INITIAL_WINDOW_SIZE, PREFACE, RawHttp2, settings, uint32 } from './support/raw-http2.ts'

const MIB = 1024 * 1024
const TOTAL = 16 * MIB
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function start(handler: Handler): Promise<{ front: Front; origin: StreamingOrigin }> {
  const origin = await StreamingOrigin.start(handler)
  cleanup.push(() => origin.stop())
  const front = await Front.start({ bluePort: origin.port })
  cleanup.push(() => front.stop())
  return { front, origin }
}

const FRAMINGS = ['length', 'chunked', 'close'] as const
type Framing = (typeof FRAMINGS)[number]

function answerWith(stream: Stream, framing: Framing): Handler {
  const line =
    framing === 'length'
      ? `Content-Length: ${TOTAL}\r\n`
      : framing === 'chunked'
        ? 'Transfer-Encoding: chunked\r\n'
        : ''
  return (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${line}\r\n`)
    stream.pump(socket, () => {
      if (framing === 'chunked') socket.write('0\r\n\r\n')
      if (framing === 'close') socket.end()
    })
  }
}

/** Hashes what comes, and lets the event loop turn now and then before it reads on. */
async function digestOf(stream: ClientHttp2Stream, seed: number): Promise<string> {
  const hash = createHash('sha1')
  let pieces = seed
  for await (const bytes of stream) {
    hash.update(bytes as Buffer)
    if (pieces++ % 16 === 0) for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next))
  }
  if (stream.rstCode !== 0) throw new Error(`reset with ${stream.rstCode}`)
  return hash.digest('hex')
}

function withoutChunks(body: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, line), 16)
    chunks.push(body.subarray(line + 2, line + 2 + size))
    at = line + 4 + size
  }
  return Buffer.concat(chunks)
}

describe('a download of 16 MiB', () => {
  test.each(FRAMINGS)('(%s) reaches a slow reader unharmed', async (framing) => {
    const stream = new Stream(TOTAL, 1, framing === 'chunked' ? chunk : undefined)
    const { front } = await start(answerWith(stream, framing))
    expect(await digestOf(front.connect().request({}), 0)).toBe(stream.digest)
  })

  test('reaches each of four readers on one connection', async () => {
    const streams = Array.from({ length: 4 }, (_, index) => new Stream(TOTAL, index))
    const { front } = await start((socket, head, rest) => {
      const stream = streams[Number(/^GET \/(\d)/.exec(head)?.[1])]
      if (stream) answerWith(stream, 'length')(socket, head, rest)
    })
    const session = front.connect()
    const paths = streams.map((_, index) => session.request({ ':path': `/${index}` }))
    const digests = await Promise.all(paths.map((request, index) => digestOf(request, index)))
    expect(digests).toEqual(streams.map(({ digest }) => digest))
  })

  test('that nobody takes stops the origin, and leaves the way free for others', async () => {
    const streams = Array.from({ length: 100 }, (_, index) => new Stream(TOTAL, index))
    const { front, origin } = await start((socket, head, rest) => {
      const stream = streams[Number(/^GET \/(\d+)/.exec(head)?.[1])]
      if (stream) answerWith(stream, 'length')(socket, head, rest)
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell')
    })
    const before = process.memoryUsage().arrayBuffers
    const client = await RawHttp2.connect(front.port)
    cleanup.push(() => client.destroy())
    const paths = streams.map((_, index) =>
      GET.map(([name, value]) => [name, name === ':path' ? `/${index}` : value] as const),
    )
    client.send(Buffer.from(PREFACE), settings([INITIAL_WINDOW_SIZE, 0]))
    client.send(...paths.slice(0, 99).map((fields, index) => headers(fields, { id: 2 * index + 1 })))
    await origin.signal.until(() => origin.requests === 99, 'the requests')
    await settled(() => streams.reduce((sum, { written }) => sum + written, 0))
    expect(streams.filter(({ done }) => done)).toEqual([])
    expect((process.memoryUsage().arrayBuffers - before) / MIB).toBeLessThan(60)
    // One more on the same connection, and it has a window.
    client.send(
      headers(
        GET.map(([name, value]) => [name, name === ':path' ? '/other' : value] as const),
        { id: 199 },
      ),
    )
    client.send(frame('WINDOW_UPDATE', 0, 199, uint32(1_000)))
    await client.until(() => client.body(199) === 'well', 'the other answer')
    client.destroy()
    await origin.signal.until(() => origin.sockets.size === 0, 'the downloads to be taken back')
    expect(front.inFlight).toBe(0)
  })
})

describe('an upload of 16 MiB', () => {
  test.each(['length', 'chunked'] as const)('(%s) reaches an origin that reads slowly', async (framing) => {
    const pieces: Buffer[] = []
    const { front } = await start((socket, _, rest) => {
      let received = 0
      const take = (bytes: Buffer): void => {
        pieces.push(bytes)
        received += bytes.length
        const over = framing === 'length' ? received === TOTAL : bytes.toString('latin1').endsWith('\r\n0\r\n\r\n')
        if (over) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell')
        socket.pause()
        setImmediate(() => socket.resume())
      }
      socket.on('data', take)
      if (rest.length > 0) take(rest)
    })
    const sent = new Stream(TOTAL, 3)
    const length = framing === 'length' ? { 'content-length': `${TOTAL}` } : {}
    const request = front.connect().request({ ':method': 'POST', ...length })
    sent.pump(request as unknown as Socket, () => request.end())
    expect(await answerTo(request)).toMatchObject({ status: 200, body: 'well', rstCode: 0 })
    const body = Buffer.concat(pieces)
    const content = framing === 'length' ? body : withoutChunks(body)
    expect(createHash('sha1').update(content).digest('hex')).toBe(sent.digest)
  })

  test('that the origin does not take stops the client', async () => {
    const { front, origin } = await start((socket) => socket.pause())
    const sent = new Stream(TOTAL * 2, 3)
    const request = front.connect().request({ ':method': 'POST' })
    request.on('error', () => {})
    sent.pump(request as unknown as Socket, () => request.end())
    await origin.signal.until(() => origin.requests === 1, 'the request')
    expect((await settled(() => sent.written)) / MIB).toBeLessThan(20)
    expect(sent.done).toBe(false)
    request.close(8)
    await front.signal.until(() => front.records.length === 1, 'the request to end')
    expect(front.inFlight).toBe(0)
  })
})
