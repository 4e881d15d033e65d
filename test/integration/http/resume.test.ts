// Large answers that are cut off on their way to the client, and go on from another upstream.
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { settled } from '../../support/streaming-origin.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, isProbe, whole } from './support/answers.ts'
import {
  type Asking,
  content,
  type Download,
  Downloading,
  digest,
  download,
  download2,
  files,
  MEBIBYTE,
  type Reply,
  type Serving,
} from './support/downloads.ts'
import { Pair, requestText, type Side } from './support/pair.ts'

const FILE = content(10 * MEBIBYTE)
const HALF = 5 * MEBIBYTE
const SUM = digest(FILE)
const RESUME = { replay: { resume: true } }

let pair: Pair
afterEach(() => pair.stop())

async function serve(blue: Partial<Serving>, green: Partial<Serving> = {}, pool: object = RESUME): Promise<void> {
  pair = await Pair.start({ pool, listener: { http2: 'cleartext' } })
  pair.blue.serve = files({ file: FILE, ...blue })
  pair.green.serve = files({ file: FILE, ...green })
}

const rescued = () => pair.metric('requests_rescued_total', 'how="resume"')
const truncated = () => pair.metric('requests_lost_total', 'why="truncated"')
const ranges = ({ arrived } = pair.green) => arrived.map(({ fields }) => valuesOf(fields, 'range')[0])

function expectWhole({ status, body, whole }: Download): void {
  expect([status, body.length, digest(body), whole]).toEqual([200, FILE.length, SUM, true])
}

/** What the client has is the beginning of the file, and it can see that it is no more than that. */
function expectCut({ status, body, whole }: Download, at = HALF): void {
  expect([status, whole, body.length]).toEqual([200, false, at])
  expect(body.equals(FILE.subarray(0, at))).toBe(true)
}

/** `seen`: what the client sees of it, without framing. */
type Cut = Partial<Serving> & { readonly seen?: number; readonly asking?: Asking; readonly get?: typeof download2 }

/** Blue breaks off when the client has all that it was sent: the reset it then sees loses nothing of that. */
function cutDownload({ asking = {}, get, cut = HALF, seen = cut, ...serving }: Cut = {}): Promise<Download> {
  const progress = new Downloading()
  pair.blue.serve = files({ file: FILE, cut, ...serving, when: () => progress.until(seen) })
  return get ? get(pair.proxy.port, progress) : download(pair.proxy.port, { ...asking, progress })
}

/** What a side got rid of, beside probes. */
const sent = ({ upstream }: Side) =>
  [...upstream.connections]
    .filter(({ requests }) => !requests.some(isProbe))
    .reduce((sum, { socket }) => sum + socket.bytesWritten - socket.writableLength, 0)

const nothingInFlight = () =>
  pair.until(({ upstreams }) => upstreams.every(({ inFlight }) => inFlight === 0), 'nothing to be in flight')

describe('a download that is cut off goes on', () => {
  test('from any byte on, with every byte in its place', async () => {
    const cuts = [16_384, 65_537, 1_000_000, 2_345_678, HALF, 7_777_777, FILE.length - 1_024, FILE.length - 1]
    await serve({}, {}, { ...RESUME, detect: { gateway5xx: 1_000 } })
    for (const cut of cuts) {
      pair.blue.serve = files({ file: FILE, cut })
      expectWhole(await download(pair.proxy.port))
    }
    expect(ranges()).toEqual(cuts.map((at) => `bytes=${at - 1_024}-`))
    expect([await rescued(), await truncated()]).toEqual([cuts.length, 0])
  })

  test('after a reset, which may lose what was on its way', async () => {
    await serve({ cut: 6_543_210, after: 'reset' })
    expectWhole(await download(pair.proxy.port))
    expect(await rescued()).toBe(1)
  })

  test('with the same request, for the rest and on condition', async () => {
    await serve({ cut: HALF })
    expectWhole(
      await download(pair.proxy.port, {
        headers: { 'accept-encoding': 'gzip', cookie: 'cup=1', 'x-request-id': 'tea-1' },
      }),
    )
    const [first, second] = [pair.blue.arrived[0], pair.green.arrived[0]]
    const added = [
      ['Range', `bytes=${HALF - 1_024}-`],
      ['If-Range', '"v1"'],
    ]
    expect(second?.fields).toEqual([...(first?.fields ?? []), ...added])
    expect([second?.method, second?.target]).toEqual(['GET', '/file'])
  })

  test('again after a second cut, and after a third', async () => {
    await serve({})
    pair.blue.serve = files({ file: FILE, cut: 3_000_000 }, { file: FILE, cut: 1_000_000 })
    pair.green.serve = files({ file: FILE, cut: 2_000_000 }, { file: FILE })
    expectWhole(await download(pair.proxy.port))
    const third = 3_000_000 + 2_000_000 - 2 * 1_024
    expect(ranges(pair.blue)).toEqual([undefined, `bytes=${third}-`])
    expect(ranges()).toEqual([`bytes=${3_000_000 - 1_024}-`, `bytes=${third + 1_000_000 - 1_024}-`])
    expect([await rescued(), await truncated()]).toEqual([1, 0])
  })

  test('at the pace of a client that is slow, before the cut and after it', async () => {
    const file = Buffer.concat([FILE, FILE, FILE, FILE])
    const cut = file.length / 2
    const pieces = 262_144
    await serve({ file, cut, pieces }, { file, pieces })
    const progress = new Downloading()
    const started = new Gate()
    let answer: IncomingMessage | null = null
    const follow = (given: IncomingMessage) => {
      answer = given.pause()
      started.open()
    }
    const slow = download(pair.proxy.port, { progress, follow })
    await started.opened
    expect(await settled(() => sent(pair.blue))).toBeLessThan(cut)
    answer!.resume()
    await progress.until(cut + 1)
    answer!.pause()
    await settled(() => sent(pair.green))
    answer!.resume()
    const { body, whole } = await slow
    expect([body.length, digest(body), whole]).toEqual([file.length, digest(file), true])
  })

  test('to a client of HTTP/2', async () => {
    await serve({ cut: HALF })
    expectWhole(await download2(pair.proxy.port))
    expect(await rescued()).toBe(1)
  })

  test('when its upstream is gone altogether', async () => {
    await serve({ cut: HALF, after: 'keep' })
    const client = download(pair.proxy.port)
    await pair.blue.upstream.until(
      () => pair.blue.arrived.length === 1 && [...pair.blue.upstream.connections].every((one) => one.answering === 0),
      'half',
    )
    await pair.blue.upstream.stop()
    expectWhole(await client)
    expect(await rescued()).toBe(1)
  })

  test('when its upstream stands still and is convicted as hung', async () => {
    await serve({ cut: HALF, after: 'keep' })
    const client = download(pair.proxy.port)
    await pair.blue.untilArrived(1)
    pair.blue.probe = () => null
    expectWhole(await client)
    expect((await pair.view()).active).toBe('green')
    expect([await rescued(), await truncated()]).toEqual([1, 0])
    await nothingInFlight()
  })

  test('when the time to finish after a switchover is over', async () => {
    await serve(
      { cut: HALF, after: 'keep' },
      {},
      {
        ...RESUME,
        drain: { timeout: '50ms' },
      },
    )
    const client = download(pair.proxy.port)
    await pair.blue.untilArrived(1)
    await pair.command('switchover')
    expectWhole(await client)
    expect(await rescued()).toBe(1)
  })

  test('and its connection serves the next request', async () => {
    await serve({ cut: HALF })
    const client = await pair.connect()
    await client.send(requestText({ target: '/file' }))
    await client.signal.until(() => client.text.length > FILE.length, 'all of it', 10_000)
    const end = client.text.indexOf('\r\n\r\n') + 4 + FILE.length
    await client.signal.until(() => client.text.length >= end, 'the last byte')
    pair.blue.serve = () => whole(200, 'tea')
    await client.send(requestText({ target: '/tea' }))
    await client.signal.until(() => client.text.endsWith('tea'), 'the next answer')
    expect(client.text.slice(end)).toMatch(/^HTTP\/1\.1 200 /)
  })
})

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
    await serve({}, serving)
    expectCut(await cutDownload())
    expect(ranges()).toEqual([`bytes=${HALF - 1_024}-`])
    expect([await rescued(), await truncated()]).toEqual([0, 1])
    await nothingInFlight()
  })

  test('when the overlap differs in its last byte only', async () => {
    const other = Buffer.from(FILE)
    other[HALF - 1] = (other[HALF - 1] ?? 0) ^ 1
    await serve({}, { file: other })
    expectCut(await cutDownload())
  })

  test('when nobody else is there', async () => {
    await serve({})
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
    await serve({ cut, when }, { cut, when })
    expectCut(await download(pair.proxy.port, { progress }), 4 * cut - 3 * 1_024)
    expect([pair.blue.seen.length, pair.green.seen.length]).toEqual([2, 2])
    expect([await rescued(), await truncated()]).toEqual([0, 1])
  })

  test('to a client of HTTP/2', async () => {
    await serve({}, { etag: '"v2"' })
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
    await serve({})
    expectCut(await cutDownload(cut))
    expect([pair.green.seen, await truncated()]).toEqual([[], 1])
  })

  test('of a range that the client had asked for', async () => {
    await serve({})
    const headers = { range: 'bytes=1000000-', 'if-range': '"v1"' }
    const { status, body, whole } = await cutDownload({ cut: MEBIBYTE, asking: { headers } })
    expect([status, whole]).toEqual([206, false])
    expect(body.equals(FILE.subarray(1_000_000, 1_000_000 + MEBIBYTE))).toBe(true)
    expect([pair.green.seen, await truncated()]).toEqual([[], 1])
  })

  test('unless the pool wants it so', async () => {
    await serve({}, {}, {})
    expectCut(await cutDownload())
    expect([pair.green.seen, await truncated()]).toEqual([[], 1])
    expect(await pair.metric('replay_abandoned_total', 'why="response-started"')).toBe(1)
  })

  test('while failover is manual', async () => {
    await serve({}, {}, { ...RESUME, failover: { mode: 'manual' } })
    expectCut(await cutDownload())
    expect(pair.green.seen).toEqual([])
  })

  test('when a hung upstream is given up in a pool that does not want it: that one may go on', async () => {
    const gate = new Gate()
    await serve({}, {}, {})
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
    await serve({})
    const { status, fields } = await pair.ask({ method: 'HEAD', target: '/file' })
    expect([status, valuesOf(fields, 'content-length')]).toEqual([200, [`${FILE.length}`]])
    expect(pair.green.seen).toEqual([])
  })

  test('when the client has left', async () => {
    await serve({ cut: HALF, after: 'keep' })
    const client = await leaver()
    client.resetAndDestroy()
    await nothingInFlight()
    expect([pair.green.seen, await rescued(), await truncated()]).toEqual([[], 0, 0])
  })
})

test('a client that leaves while the rest is on its way leaves nothing behind', async () => {
  await serve({ cut: HALF }, { cut: MEBIBYTE, after: 'keep' })
  const client = await leaver()
  await pair.green.untilArrived(1)
  client.resetAndDestroy()
  await nothingInFlight()
  expect([await rescued(), await truncated()]).toEqual([0, 0])
  await pair.green.upstream.until(
    () => [...pair.green.upstream.connections].filter(({ ending }) => ending === 'open').length === 0,
    'its connection to be closed',
  )
})

test('the cut is evidence against the upstream, rescued or not', async () => {
  // Small enough that all of them come within the second that counts.
  const file = FILE.subarray(0, 300_000)
  await serve({ file, cut: 100_000 }, { file })
  for (let time = 0; time < 3; time++) {
    for (const path of ['/one', '/other']) {
      expect((await download(pair.proxy.port, { path })).body.equals(file)).toBe(true)
    }
  }
  await pair.until(({ active }) => active === 'green', 'the failover')
  expect(await pair.metric('upstream_failures_total', 'kind="truncated"')).toBeGreaterThanOrEqual(5)
  expect(await truncated()).toBe(0)
})

function chunked(reply: Reply): void {
  delete reply.fields['content-length']
  reply.fields['transfer-encoding'] = 'chunked'
  reply.body = Buffer.concat([Buffer.from(`${FILE.length.toString(16)}\r\n`), reply.body])
}

const headOf = (file: Buffer) => `HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: ${file.length}\r\n\r\n`

/** A client with a mind to leave: it reads, until somebody ends it. */
function leaver(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(pair.proxy.port, '127.0.0.1')
    socket.write(requestText({ target: '/file' }))
    socket.on('error', () => {})
    socket.resume()
    socket.once('data', () => resolve(socket))
  })
}
