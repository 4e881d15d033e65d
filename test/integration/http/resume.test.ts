// Large answers that are cut off on their way to the client, and go on from another upstream.
import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { settled } from '../../support/streaming-origin.ts'
import { Gate, isProbe, whole } from './support/answers.ts'
import {
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
import { Downloading, digest, download, download2, files, MEBIBYTE } from './support/downloads.ts'
import { type Pair, requestText, type Side } from './support/pair.ts'

let pair: Pair
afterEach(() => pair.stop())

/** What a side got rid of, beside probes. */
const sent = ({ upstream }: Side) =>
  [...upstream.connections]
    .filter(({ requests }) => !requests.some(isProbe))
    .reduce((sum, { socket }) => sum + socket.bytesWritten - socket.writableLength, 0)

describe('a download that is cut off goes on', () => {
  test('from any byte on, with every byte in its place', async () => {
    const cuts = [16_384, 65_537, 1_000_000, 2_345_678, HALF, 7_777_777, FILE.length - 1_024, FILE.length - 1]
    pair = await serve({}, {}, { ...RESUME, detect: { gateway5xx: 1_000 } })
    for (const cut of cuts) {
      pair.blue.serve = files({ file: FILE, cut })
      expectWhole(await download(pair.proxy.port))
    }
    expect(ranges()).toEqual(cuts.map((at) => `bytes=${at - 1_024}-`))
    expect([await rescued(), await truncated()]).toEqual([cuts.length, 0])
  })

  test('after a reset, which may lose what was on its way', async () => {
    pair = await serve({ cut: 6_543_210, after: 'reset' })
    expectWhole(await download(pair.proxy.port))
    expect(await rescued()).toBe(1)
  })

  test('with the same request, for the rest and on condition', async () => {
    pair = await serve({ cut: HALF })
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
    pair = await serve({})
    pair.blue.serve = files({ file: FILE, cut: 3_000_000 }, { file: FILE, cut: 1_000_000 })
    pair.green.serve = files({ file: FILE, cut: 2_000_000 }, { file: FILE })
    expectWhole(await download(pair.proxy.port))
    const third = 3_000_000 + 2_000_000 - 2 * 1_024
    expect(ranges(pair.blue)).toEqual([undefined, `bytes=${third}-`])
    expect(ranges()).toEqual([`bytes=${3_000_000 - 1_024}-`, `bytes=${third + 1_000_000 - 1_024}-`])
    expect([await rescued(), await truncated()]).toEqual([1, 0])
  })

  test('at the pace of a client that is slow, before the cut and after it', async () => {
    // What comes before the cut has to be more than the kernel takes by itself, on both connections: up to 20 MiB seen.
    const file = Buffer.concat(Array.from({ length: 8 }, () => FILE))
    const cut = file.length / 2
    const pieces = 262_144
    pair = await serve({ file, cut, pieces }, { file, pieces })
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
    pair = await serve({ cut: HALF })
    expectWhole(await download2(pair.proxy.port))
    expect(await rescued()).toBe(1)
  })

  test('when its upstream is gone altogether', async () => {
    pair = await serve({ cut: HALF, after: 'keep' })
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
    pair = await serve({ cut: HALF, after: 'keep' })
    const client = download(pair.proxy.port)
    await pair.blue.untilArrived(1)
    pair.blue.probe = () => null
    expectWhole(await client)
    expect((await pair.view()).active).toBe('green')
    expect([await rescued(), await truncated()]).toEqual([1, 0])
    await nothingInFlight()
  })

  test('when the time to finish after a switchover is over', async () => {
    pair = await serve(
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
    pair = await serve({ cut: HALF })
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

test('a client that leaves while the rest is on its way leaves nothing behind', async () => {
  pair = await serve({ cut: HALF }, { cut: MEBIBYTE, after: 'keep' })
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
  pair = await serve({ file, cut: 100_000 }, { file })
  for (let time = 0; time < 3; time++) {
    for (const path of ['/one', '/other']) {
      expect((await download(pair.proxy.port, { path })).body.equals(file)).toBe(true)
    }
  }
  await pair.until(({ active }) => active === 'green', 'the failover')
  expect(await pair.metric('upstream_failures_total', 'kind="truncated"')).toBeGreaterThanOrEqual(5)
  expect(await truncated()).toBe(0)
})
