// An exchange whose front frames messages itself: what it makes of fronts that are less strict than node:http2, and of
// answers that are taken much later.
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AnswerSink, FieldList } from '../../../src/http/answer-sink.ts'
import { MessageExchange } from '../../../src/http/message-exchange.ts'
import { DEFAULT_HEAD_LIMITS } from '../../../src/wire/limits.ts'
import { Signal } from '../../support/signal.ts'
import { Stream, StreamingOrigin } from '../../support/streaming-origin.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { Front } from './support/http2-front.ts'

/** Keeps everything it is given as it is. */
class Sink implements AnswerSink {
  readonly signal = new Signal()
  readonly interims: number[] = []
  status = 0
  reason = ''
  fields: FieldList = []
  trailers: FieldList = []
  readonly pieces: Buffer[] = []
  ending: 'open' | 'head' | 'end' | 'cut' = 'open'
  heads = 0

  interim(status: number): void {
    this.interims.push(status)
  }

  head(status: number, reason: string, fields: FieldList, endsHere: boolean): void {
    Object.assign(this, { status, reason, fields })
    this.heads += 1
    if (endsHere) this.finish('head')
  }

  write(bytes: Buffer): boolean {
    this.pieces.push(bytes)
    return true
  }

  end(trailers: FieldList): void {
    this.trailers = trailers
    this.finish('end')
  }

  truncate(): void {
    this.finish('cut')
  }

  pauseBody(): void {}
  resumeBody(): void {}

  private finish(ending: 'head' | 'end' | 'cut'): void {
    if (this.ending !== 'open') throw new Error(`${ending} after ${this.ending}`)
    this.ending = ending
    this.signal.notify()
  }

  over(): Promise<unknown> {
    return this.signal.until(() => this.ending !== 'open', 'the answer')
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces)
  }
}

let front: Front
beforeEach(async () => {
  front = await Front.start()
})
afterEach(() => front.stop())

function exchange(owner = front): { sink: Sink; own: MessageExchange } {
  const sink = new Sink()
  const client = {
    listener: 'web',
    address: '::1',
    secure: false,
    version: '1.1',
    identity: '',
    trusted: false,
  } as const
  return { sink, own: new MessageExchange({ sink, client, pool: owner.pool, limits: DEFAULT_HEAD_LIMITS }) }
}

const head = (...lines: string[]): string => ['POST / HTTP/1.1', 'Host: shop.test', ...lines, '', ''].join('\r\n')
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('a request', () => {
  test('passes with its body in as many pieces as it comes', async () => {
    const { sink, own } = exchange()
    own.begin(head('Transfer-Encoding: chunked'), true)
    for (const piece of ['one', '', ' ', 'tea']) own.body(bytes(piece))
    own.bodyEnd('X-Sum: 1\r\n')
    await sink.over()
    expect(sink).toMatchObject({ status: 200, reason: 'Scripted', ending: 'end', heads: 1 })
    expect(front.blue.arrived).toMatchObject([{ body: 'one tea', framing: 'chunked', trailers: [['X-Sum', '1']] }])
  })

  test.each([
    ['an announced body that does not follow', ['Content-Length: 3'], false],
    ['two framings', ['Content-Length: 3', 'Transfer-Encoding: chunked'], true],
    ['a field line that is none', ['X Y: z'], true],
  ])('with %s is refused before anyone sees it', async (_, lines, follows) => {
    const { sink, own } = exchange()
    own.begin(head(...lines), follows)
    own.body(bytes('one'))
    own.bodyEnd('')
    expect(sink).toMatchObject({ status: 400, reason: 'Bad Request', ending: 'end' })
    expect(front.blue.accepted).toBe(0)
  })

  test.each([
    ['longer', 'one tea too many'],
    ['shorter', 'one'],
  ])('with a body %s than announced is never whole', async (_, body) => {
    const { sink, own } = exchange()
    own.begin(head('Content-Length: 7'), true)
    own.body(bytes(body.slice(0, 3)))
    await front.blue.until(() => [...front.blue.connections].some(({ pending }) => pending.endsWith('one')), 'a part')
    if (body.length > 3) own.body(bytes(body.slice(3)))
    own.bodyEnd('')
    expect(sink).toMatchObject({ status: 400, ending: 'end' })
    await front.blue.until(() => [...front.blue.connections].every(({ ending }) => ending !== 'open'), 'its end')
    expect(front.blue.arrived.filter((request) => request.body.length > 7)).toEqual([])
  })

  test('with trailers that may not be any is refused', async () => {
    const { sink, own } = exchange()
    own.begin(head('Transfer-Encoding: chunked'), true)
    own.body(bytes('one'))
    own.bodyEnd('Content-Length: 3\r\n')
    expect(sink).toMatchObject({ status: 400, ending: 'end' })
    expect(front.blue.arrived).toEqual([])
  })

  test('never asks for an upgrade, which could not be carried out', async () => {
    const { sink, own } = exchange()
    const lines = ['GET / HTTP/1.1', 'Host: shop.test', 'Connection: upgrade', 'Upgrade: websocket', '', '']
    own.begin(lines.join('\r\n'), false)
    await sink.over()
    const fields = front.blue.arrived[0]?.fields ?? []
    expect([...valuesOf(fields, 'upgrade'), ...valuesOf(fields, 'connection')]).toEqual([])
  })

  test('that is taken back is over, whatever else comes', async () => {
    const { sink, own } = exchange()
    own.begin(head('Transfer-Encoding: chunked'), true)
    own.gone()
    own.gone()
    own.body(bytes('one'))
    own.bodyEnd('')
    own.writable()
    own.refuse({ status: 408, reason: 'late' })
    expect(sink).toMatchObject({ heads: 0, ending: 'open' })
    expect(front.records).toMatchObject([{ error: 'client-gone' }])
    expect(front.inFlight).toBe(0)
  })
})

describe('an answer', () => {
  test('can be taken long after it came', async () => {
    const total = 4 * 1024 * 1024
    const stream = new Stream(total, 1)
    const origin = await StreamingOrigin.start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      stream.pump(socket, () => {})
    })
    const other = await Front.start({ bluePort: origin.port })
    const { sink, own } = exchange(other)
    own.begin('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n', false)
    await sink.over()
    expect(createHash('sha1').update(sink.body).digest('hex')).toBe(stream.digest)
    await other.stop()
    await origin.stop()
  })

  test('in chunks comes without them, its trailers by themselves', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n'
    front.blue.script = () => ({ bytes: `${chunked}4\r\nwell\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n` })
    const { sink, own } = exchange()
    own.begin('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n', false)
    await sink.over()
    expect(sink.body.toString()).toBe('well')
    expect(sink.fields.map(([name]) => name)).toEqual(['Trailer', 'X-Request-Id'])
    const trailers = [
      ['X-Sum', '1'],
      ['X-Sum', '2'],
    ]
    expect(sink.trailers).toEqual(trailers)
  })

  test('says its length once, however often the upstream did', async () => {
    front.blue.script = () => ({ bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nwell' })
    const { sink, own } = exchange()
    own.begin('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n', false)
    await sink.over()
    expect(sink.fields.filter(([name]) => name === 'Content-Length')).toEqual([['Content-Length', '4']])
  })

  test('that is cut off before any of its body is cut off behind its head', async () => {
    front.blue.script = () => ({ bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', after: 'reset' })
    const { sink, own } = exchange()
    own.begin('POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n', false)
    await sink.over()
    expect(sink).toMatchObject({ status: 200, heads: 1, ending: 'cut' })
  })
})
