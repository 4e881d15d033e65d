// Large answers that are cut off and cannot go on: their clients see it, and nobody is asked in vain.
import { afterEach, describe, expect, test } from 'vitest'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, whole } from './support/answers.ts'
import {
  cutDownload,
  expectCut,
  expectWhole,
  FILE,
  HALF,
  leaver,
  nothingInFlight,
  RESUME,
  ranges,
  rescued,
  serve,
  truncated,
} from './support/download-pair.ts'
import { content, Downloading, download, download2, MEBIBYTE, type Reply, type Serving } from './support/downloads.ts'
import type { Pair } from './support/pair.ts'

type Cut = Parameters<typeof cutDownload>[0]

let pair: Pair
afterEach(() => pair.stop())

describe('a download that is cut off is visibly truncated', () => {
  const spoilt: readonly [string, Partial<Serving>][] = [
    ['the other one has another version of it', { etag: '"v2"' }],
    ['the other one knows no ranges', { spoil: (reply) => Object.assign(reply, { status: 200 }) }],
    [
      'the range is another',
      {
        spoil: ({ fields, body }) =>
          Object.assign(fields, { 'content-range': `bytes 1-${body.length}/${FILE.length}` }),
      },
    ],
    [
      'the total is another',
      {
        spoil: ({ fields }) =>
          Object.assign(fields, { 'content-range': fields['content-range']?.replace(/\/.*/, '/*') ?? '' }),
      },
    ],
    ['the ETag of the rest is another', { spoil: ({ fields }) => Object.assign(fields, { etag: '"v2"' }) }],
    ['the ETag of the rest is weak', { spoil: ({ fields }) => Object.assign(fields, { etag: 'W/"v1"' }) }],
    ['the rest is encoded', { spoil: ({ fields }) => Object.assign(fields, { 'content-encoding': 'gzip' }) }],
    ['the bytes before it are others', { file: content(FILE.length, 2) }],
    ['the other one fails', { spoil: (reply) => Object.assign(reply, { status: 503 }) }],
    ['the other one cuts it off before anything new came', { cut: 1_024 }],
  ]

  test.each(spoilt)('when %s', async (_, serving) => {
    pair = await serve({}, serving)
    expectCut(await cutDownload())
    expect(ranges()).toEqual([`bytes=${HALF - 1_024}-`])
    expect([await rescued(), await truncated()]).toEqual([0, 1])
    await nothingInFlight()
  })

  test('when the overlap differs in its last byte only', async () => {
    const other = Buffer.from(FILE)
    other[HALF - 1] = (other[HALF - 1] ?? 0) ^ 1
    pair = await serve({}, { file: other })
    expectCut(await cutDownload())
  })

  test('when nobody else is there', async () => {
    pair = await serve({})
    pair.green.probe = () => whole(503, 'ill')
    await pair.until(({ upstreams }) => upstreams[1]?.health.status === 'unhealthy', 'green to be unhealthy')
    expectCut(await cutDownload())
    expect([pair.green.seen, await truncated()]).toEqual([[], 1])
  })

  test('when it was cut four times', async () => {
    const progress = new Downloading()
    const cut = 2 * MEBIBYTE
    let cuts = 0
    const when = () => progress.until(cut + cuts++ * (cut - 1_024))
    pair = await serve({ cut, when }, { cut, when })
    expectCut(await download(pair.proxy.port, { progress }), 4 * cut - 3 * 1_024)
    expect([pair.blue.seen.length, pair.green.seen.length]).toEqual([2, 2])
    expect([await rescued(), await truncated()]).toEqual([0, 1])
  })

  test('to a client of HTTP/2', async () => {
    pair = await serve({}, { etag: '"v2"' })
    expectCut(await cutDownload({ get: download2 }))
  })
})

describe('nobody is asked for the rest', () => {
  const cuts: readonly [string, Cut][] = [
    ['of an answer with a weak ETag', { etag: 'W/"v1"' }],
    ['of a chunked answer', { spoil: chunked, cut: HALF + 8, seen: HALF }],
    ['when the client had asked on a condition', { asking: { headers: { 'if-range': '"v0"' } } }],
  ]

  test.each(cuts)('%s', async (_, cut) => {
    pair = await serve({})
    expectCut(await cutDownload(cut))
    expect([pair.green.seen, await truncated()]).toEqual([[], 1])
  })

  test('of a range that the client had asked for', async () => {
    pair = await serve({})
    const headers = { range: 'bytes=1000000-', 'if-range': '"v1"' }
    const { status, body, whole } = await cutDownload({ cut: MEBIBYTE, asking: { headers } })
    expect([status, whole]).toEqual([206, false])
    expect(body.equals(FILE.subarray(1_000_000, 1_000_000 + MEBIBYTE))).toBe(true)
    expect([pair.green.seen, await truncated()]).toEqual([[], 1])
  })

  test('unless the pool wants it so', async () => {
    pair = await serve({}, {}, {})
    expectCut(await cutDownload())
    expect([pair.green.seen, await truncated()]).toEqual([[], 1])
    expect(await pair.metric('replay_abandoned_total', 'why="response-started"')).toBe(1)
  })

  test('while failover is manual', async () => {
    pair = await serve({}, {}, { ...RESUME, failover: { mode: 'manual' } })
    expectCut(await cutDownload())
    expect(pair.green.seen).toEqual([])
  })

  test('when a hung upstream is given up in a pool that does not want it: that one may go on', async () => {
    const gate = new Gate()
    pair = await serve({}, {}, {})
    pair.blue.serve = (_, connection) => {
      connection.socket.write(Buffer.concat([Buffer.from(headOf(FILE)), FILE.subarray(0, HALF)]))
      void gate.opened.then(() => connection.socket.write(FILE.subarray(HALF)))
      return null
    }
    const client = download(pair.proxy.port)
    await pair.blue.untilArrived(1)
    pair.blue.probe = () => null
    await pair.until(({ active }) => active === 'green', 'the failover')
    gate.open()
    expectWhole(await client)
    expect(pair.green.seen).toEqual([])
  })

  test('after HEAD, whose answer is whole', async () => {
    pair = await serve({})
    const { status, fields } = await pair.ask({ method: 'HEAD', target: '/file' })
    expect([status, valuesOf(fields, 'content-length')]).toEqual([200, [`${FILE.length}`]])
    expect(pair.green.seen).toEqual([])
  })

  test('when the client has left', async () => {
    pair = await serve({ cut: HALF, after: 'keep' })
    const client = await leaver()
    client.resetAndDestroy()
    await nothingInFlight()
    expect([pair.green.seen, await rescued(), await truncated()]).toEqual([[], 0, 0])
  })
})

function chunked(reply: Reply): void {
  delete reply.fields['content-length']
  reply.fields['transfer-encoding'] = 'chunked'
  reply.body = Buffer.concat([Buffer.from(`${FILE.length.toString(16)}\r\n`), reply.body])
}

const headOf = (file: Buffer) => `HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: ${file.length}\r\n\r\n`
