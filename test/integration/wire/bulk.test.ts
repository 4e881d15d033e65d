// Large bodies: every byte arrives in order whatever the reader's pace, and nothing is kept without bound on the way.
// One stream passes through four kernel buffers (up to about 6 MiB each on loopback) besides the proxy itself.

import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { startProxy } from '../../support/proxy.ts'
import { Signal } from '../../support/signal.ts'
import { chunk, type Handler, Stream, StreamingOrigin, settled } from '../../support/streaming-origin.ts'
import { randomFrom } from './mutate.ts'
import { CALM } from './rig.ts'

const MIB = 1024 * 1024
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function start(handler: Handler): Promise<{ origin: StreamingOrigin; port: number }> {
  const origin = await StreamingOrigin.start(handler)
  cleanup.push(() => origin.stop())
  const proxy = await startProxy({ upstreams: [{ name: 'blue', port: origin.port }], poolOverrides: CALM })
  cleanup.push(() => proxy.stop())
  return { origin, port: proxy.port }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    cleanup.push(() => socket.destroy())
    socket.once('error', reject)
    socket.once('connect', () => resolve(socket))
  })
}

/** Hashes a body of `total` bytes, chunked or not, as it comes. */
class Body {
  readonly signal = new Signal()
  readonly hash = createHash('sha1')
  received = 0
  done = false
  failure = ''
  #head = Buffer.alloc(0)
  #inBody = false
  #chunked = false
  #left = 0

  constructor(socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.#take(bytes)
      this.signal.notify()
    })
    socket.on('close', () => this.#fail('closed'))
    socket.on('error', (error) => this.#fail(String(error)))
    socket.on('end', () => this.#fail('ended'))
  }

  #fail(why: string): void {
    if (!this.done && this.failure === '') this.failure = `${why} after ${this.received} bytes`
    this.signal.notify()
  }

  #take(bytes: Buffer): void {
    let rest = this.#head.length > 0 ? Buffer.concat([this.#head, bytes]) : bytes
    this.#head = Buffer.alloc(0)
    while (rest.length > 0 && !this.done) {
      if (this.#left > 0) {
        const part = rest.subarray(0, this.#left)
        this.hash.update(part)
        this.received += part.length
        this.#left -= part.length
        rest = rest.subarray(part.length)
        if (this.#left === 0 && !this.#chunked) this.done = true
        continue
      }
      const end = rest.indexOf(this.#inBody ? '\r\n' : '\r\n\r\n')
      if (end === -1) {
        this.#head = Buffer.from(rest)
        return
      }
      const text = rest.subarray(0, end).toString('latin1')
      rest = rest.subarray(end + (this.#inBody ? 2 : 4))
      if (this.#inBody) this.#size(text)
      else this.#start(text)
    }
  }

  #start(head: string): void {
    this.#inBody = true
    if (!head.startsWith('HTTP/1.1 200 ')) this.#fail(`answer ${head.slice(0, 40)}`)
    this.#chunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    this.#left = this.#chunked ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  }

  #size(line: string): void {
    if (line === '') return
    this.#left = Number.parseInt(line, 16)
    if (this.#left === 0) this.done = true
  }

  async finish(milliseconds = 30_000): Promise<string> {
    const over = () => this.done || this.failure !== ''
    await this.signal.until(over, 'the whole body', milliseconds)
    if (this.failure !== '') throw new Error(this.failure)
    return this.hash.digest('hex')
  }
}

const ask = (path: string, field = ''): string => `GET ${path} HTTP/1.1\r\nHost: example.test\r\n${field}\r\n`
const announce = (total: number): string => `HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

function answerWith(stream: Stream, total: number | 'chunked' | 'close'): Handler {
  return (socket) => {
    socket.write(total === 'chunked' ? CHUNKED : total === 'close' ? 'HTTP/1.1 200 OK\r\n\r\n' : announce(total))
    stream.pump(socket, () => {
      if (total === 'chunked') socket.write('0\r\n\r\n')
      if (total === 'close') socket.end()
    })
  }
}

describe('a download', () => {
  for (const [form, field] of [
    ['length', ''],
    ['length', 'Connection: close\r\n'],
    ['chunked', ''],
    ['close', ''],
  ] as const) {
    test(`of 64 MiB (${form}, ${field.trimEnd() || 'kept alive'}) reaches a slow reader unharmed`, async () => {
      const total = 64 * MIB
      const stream = form === 'chunked' ? new Stream(total, 1, chunk) : new Stream(total, 1)
      const { port } = await start(answerWith(stream, form === 'length' ? total : form))
      const socket = await open(port)
      const body = new Body(socket)
      let next = 4 * MIB
      socket.on('data', () => {
        if (body.received < next) return
        next += 8 * MIB
        socket.pause()
        // Reads on only when the origin cannot write any more: backpressure has reached it.
        const full = stream.signal.until(() => stream.blocked || stream.done, 'the origin to be blocked', 10_000)
        full
          .then(() => settled(() => stream.written))
          .then(
            () => socket.resume(),
            (error) => socket.destroy(error),
          )
      })
      socket.write(ask('/slow', field))
      expect(await body.finish()).toBe(stream.digest)
      expect(body.received).toBe(total)
    }, 40_000)
  }

  test('of 16 MiB reaches each of 20 readers that pause at random', async () => {
    const total = 16 * MIB
    const streams = Array.from({ length: 20 }, (_, index) =>
      index % 2 ? new Stream(total, index, chunk) : new Stream(total, index),
    )
    const { port } = await start((socket, head, rest) => {
      const index = Number(/^GET \/(\d+) /.exec(head)?.[1])
      const stream = streams[index]
      if (stream) answerWith(stream, index % 2 ? 'chunked' : total)(socket, head, rest)
    })
    const before = process.memoryUsage().rss
    let peak = before
    const digests = await Promise.all(
      streams.map(async (_, index) => {
        const random = randomFrom(index)
        const socket = await open(port)
        const body = new Body(socket)
        socket.on('data', () => {
          peak = Math.max(peak, process.memoryUsage.rss())
          if (random(24) !== 0) return
          socket.pause()
          let turns = random(40)
          const wait = (): void => {
            if (turns-- > 0) setImmediate(wait)
            else socket.resume()
          }
          wait()
        })
        socket.write(ask(`/${index}`))
        return body.finish(60_000)
      }),
    )
    expect(digests).toEqual(streams.map((stream) => stream.digest))
    expect((peak - before) / MIB).toBeLessThan(300)
  }, 70_000)

  test('that nobody reads stops the origin instead of filling memory', async () => {
    const stream = new Stream(512 * MIB)
    const { port, origin } = await start(answerWith(stream, 512 * MIB))
    const before = process.memoryUsage().rss
    const socket = await open(port)
    socket.pause()
    socket.write(ask('/unread'))
    await origin.signal.until(() => origin.requests === 1, 'the request')
    await stream.signal.until(() => stream.blocked, 'the origin to be blocked')
    const accepted = await settled(() => stream.written)
    expect(accepted / MIB).toBeLessThan(40)
    expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(100)
    socket.destroy()
    await origin.signal.until(() => origin.sockets.size === 0, 'the proxy to cancel the download')
  })
})

describe('an upload', () => {
  for (const form of ['length', 'chunked'] as const) {
    test(`of 64 MiB (${form}) reaches a slow upstream unharmed`, async () => {
      const total = 64 * MIB
      const stream = form === 'chunked' ? new Stream(total, 3, chunk) : new Stream(total, 3)
      const { port } = await start((socket, head, rest) => {
        // The request is read as if it were an answer: only its framing matters here.
        const body = new Body(socket)
        let next = 4 * MIB
        socket.on('data', () => {
          if (body.received < next) return
          next += 12 * MIB
          socket.pause()
          const full = stream.signal.until(() => stream.blocked || stream.done, 'the client to be blocked', 10_000)
          full
            .then(() => settled(() => stream.written))
            .then(
              () => socket.resume(),
              (error) => socket.destroy(error),
            )
        })
        socket.emit('data', Buffer.from(head.replace(/^[^\r]*/, 'HTTP/1.1 200 OK'), 'latin1'))
        if (rest.length > 0) socket.emit('data', rest)
        body.finish(40_000).then(
          (digest) => socket.write(`${announce(digest.length)}${digest}`),
          () => socket.destroy(),
        )
      })
      const socket = await open(port)
      const framing = form === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${total}`
      let answer = ''
      const signal = new Signal()
      for (const event of ['data', 'end', 'close', 'error']) {
        socket.on(event, (data: unknown) => {
          answer += event === 'data' ? String(data) : `[${event}]`
          signal.notify()
        })
      }
      socket.write(`POST /upload HTTP/1.1\r\nHost: example.test\r\n${framing}\r\n\r\n`)
      stream.pump(socket, () => form === 'chunked' && socket.write('0\r\n\r\n'))
      await signal.until(() => /[0-9a-f]{40}$|\[/.test(answer), 'the checksum of the upload', 40_000)
      expect(answer.slice(-40)).toBe(stream.digest)
    }, 50_000)
  }

  test('that the upstream does not read stops the client instead of filling memory', async () => {
    const stream = new Stream(512 * MIB)
    const { port, origin } = await start((socket) => socket.pause())
    const before = process.memoryUsage().rss
    const socket = await open(port)
    socket.write(`POST /unread HTTP/1.1\r\nHost: example.test\r\nContent-Length: ${512 * MIB}\r\n\r\n`)
    stream.pump(socket, () => undefined)
    await origin.signal.until(() => origin.requests === 1, 'the request')
    expect((await settled(() => stream.written)) / MIB).toBeLessThan(40)
    expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(100)
  })
})
