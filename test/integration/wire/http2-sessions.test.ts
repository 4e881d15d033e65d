// Connections to an upstream that speaks HTTP/2: how many, for how long, and whether they are alive.
import type { ServerHttp2Stream } from 'node:http2'
import { afterEach, expect, test } from 'vitest'
import { FakeClock } from '../../support/fake-clock.ts'
import { turns } from '../../support/signal.ts'
import { Http2Origin } from './http2-origin.ts'
import { Heard, rigTo } from './http2-rig.ts'
import { data, END_STREAM, FRAME, headers, RawHttp2Upstream, settings } from './raw-http2-upstream.ts'

const MAX_CONCURRENT_STREAMS = 3
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function origin(options: Parameters<typeof Http2Origin.start>[1] = {}): Promise<Http2Origin> {
  const started = await Http2Origin.start((stream) => stream.respond({ ':status': 204 }, { endStream: true }), options)
  cleanup.push(() => started.stop())
  return started
}

/** Answers nothing until told to. */
async function waitingOrigin(streams: number): Promise<Http2Origin> {
  const started = await Http2Origin.start(() => {}, { settings: { maxConcurrentStreams: streams } })
  cleanup.push(() => started.stop())
  return started
}

const answer = (stream: ServerHttp2Stream | undefined): void => stream?.respond({ ':status': 204 }, { endStream: true })
const connected = (...all: Heard[]): Promise<unknown> =>
  Promise.all(all.map((got) => got.signal.until(() => got.said.includes('connected'), 'a stream')))
const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

test('requests at the same time share one connection', async () => {
  const started = await origin()
  const all = many(50, () => started.ask())
  expect(new Set(await Promise.all(all.map((got) => got.end())))).toEqual(new Set(['finished']))
  expect([started.rig.connects, started.sessions.length]).toEqual([1, 1])
})

test('a hundred streams are enough for one connection, whatever the upstream allows', async () => {
  const started = await waitingOrigin(1_000)
  await connected(...many(101, () => started.ask()))
  expect(started.rig.connects).toBe(2)
})

test('an upstream that allows two streams never has more on one connection, and nobody waits or fails for it', async () => {
  const started = await waitingOrigin(2)
  const all = many(7, () => started.ask())
  await connected(...all)
  expect(started.rig.connects).toBe(4)
  await started.signal.until(() => started.seen.length === 7, 'all requests')
  for (const { stream } of started.seen) answer(stream)
  expect(new Set(await Promise.all(all.map((got) => got.end())))).toEqual(new Set(['finished']))
  // Known from the start now: four connections with two streams each.
  const more = many(8, () => started.ask())
  await connected(...more)
  expect(started.rig.connects).toBe(4)
})

test('a limit that is lowered holds for what comes next', async () => {
  const started = await waitingOrigin(10)
  await connected(started.ask(), started.ask())
  const heard = started.rig.heard
  started.sessions[0]?.settings({ maxConcurrentStreams: 2 })
  await started.rig.signal.until(() => started.rig.heard > heard, 'SETTINGS')
  await connected(started.ask())
  expect(started.rig.connects).toBe(2)
})

test('an upstream that allows no streams at all is not connected to for ever', async () => {
  const started = await waitingOrigin(0)
  const got = started.ask()
  expect(await got.end()).toBe('unprocessed')
  expect(got.said).toEqual(['failed unprocessed'])
  expect(started.rig.connects).toBe(2)
})

test('past a hundred connections there is none, until a stream on one of them has ended', async () => {
  const started = await waitingOrigin(1)
  const first = started.ask()
  await connected(first)
  await connected(...many(99, () => started.ask()))
  const { channels } = started.rig
  expect([channels.acquire(true), channels.open(), started.rig.connects]).toEqual([null, null, 100])
  const { freed } = started.rig
  answer(started.seen[0]?.stream)
  expect(await first.end()).toBe('finished')
  expect(started.rig.freed).toBeGreaterThan(freed)
  await connected(started.ask())
  expect(started.rig.connects).toBe(100)
})

test('open() is a connection that has carried nothing; those who ask at the same time share it', async () => {
  const started = await origin()
  expect(await started.ask().end()).toBe('finished')
  const all = many(5, () => started.ask({}, started.rig.channels.open()))
  expect(all.map(({ channel }) => channel.served)).toEqual([0, 0, 0, 0, 0])
  await Promise.all(all.map((got) => got.end()))
  expect(started.rig.connects).toBe(2)
})

test('requests wait for SETTINGS, and one that will not wait any longer sends whoever comes next to a new connection', async () => {
  const upstream = await RawHttp2Upstream.start(() => {}, { settings: Buffer.alloc(0) })
  const rig = rigTo(upstream.port)
  cleanup.push(
    () => upstream.stop(),
    () => rig.stop(),
  )
  const got = new Heard(rig.channels.acquire(true))
  const other = new Heard(rig.channels.acquire(true))
  await upstream.signal.until(() => upstream.frames.length > 0, 'our SETTINGS')
  got.channel.fail('timeout', 'no connection')
  expect(await got.end()).toBe('timeout')
  const next = new Heard(rig.channels.acquire(true))
  await upstream.signal.until(() => upstream.sockets.size === 2, 'another connection')
  expect(upstream.frames.filter(({ type }) => type === FRAME.HEADERS)).toEqual([])
  other.channel.discard()
  await upstream.signal.until(() => upstream.sockets.size === 1, 'the first one to be given up')
  next.channel.discard()
})

test('idle for long, a connection is doubted: only what can be repeated is sent on it', async () => {
  const clock = new FakeClock()
  const started = await origin({ clock })
  const ask = (repeatable: boolean): Heard => started.ask({}, started.rig.channels.acquire(repeatable))
  const served = async (got: Heard): Promise<number> => {
    expect(await got.end()).toBe('finished')
    clock.advance(0)
    return got.channel.served
  }
  await served(ask(false))
  // Proven by the answer a moment ago: no close would be a lost race.
  expect(await served(ask(false))).toBe(0)
  expect(started.rig.connects).toBe(1)
  clock.advance(2_000)
  expect(await served(ask(true))).toBe(2)
  expect(started.rig.connects).toBe(1)
  clock.advance(2_000)
  expect(await served(ask(false))).toBe(0)
  expect(started.rig.connects).toBe(2)
  await started.signal.until(() => started.sessions[0]?.destroyed, 'the doubtful one to be closed')
})

test('a connection with streams on it is not idle, however quiet', async () => {
  const clock = new FakeClock()
  const started = await waitingOrigin(10)
  started.rig.stop()
  started.rig = rigTo(started.port, { clock })
  await connected(started.ask())
  clock.advance(2_000)
  const got = started.ask({}, started.rig.channels.acquire(false))
  await connected(got)
  expect([got.channel.served, started.rig.connects]).toEqual([0, 1])
})

test('after half a minute without a request the connection is closed with GOAWAY', async () => {
  const clock = new FakeClock()
  const upstream = await RawHttp2Upstream.answering((stream) => [headers(stream, END_STREAM, [':status', '204'])])
  const rig = rigTo(upstream.port, { clock })
  cleanup.push(
    () => upstream.stop(),
    () => rig.stop(),
  )
  expect(await new Heard(rig.channels.acquire(true)).end()).toBe('finished')
  clock.advance(29_000)
  await turns(5)
  expect(upstream.sockets.size).toBe(1)
  clock.advance(2_000)
  await upstream.signal.until(() => upstream.sockets.size === 0, 'the end of the connection')
  const last = upstream.frames.at(-1)
  expect([last?.type, last?.payload.readUInt32BE(4)]).toEqual([FRAME.GOAWAY, 0])
})

test('a mute upstream with requests on it is asked after 5 s and given up after 5 more: a timeout, for every one', async () => {
  const clock = new FakeClock()
  const upstream = await RawHttp2Upstream.start((frame, socket) => {
    if (frame.type === FRAME.HEADERS && frame.stream === 1) socket.write(headers(1, 0, [':status', '200']))
  })
  const rig = rigTo(upstream.port, { clock })
  cleanup.push(
    () => upstream.stop(),
    () => rig.stop(),
  )
  const all = [new Heard(rig.channels.acquire(true)), new Heard(rig.channels.acquire(true))]
  expect(await all[0]?.head()).toBe(200)
  const pings = () => upstream.frames.filter(({ type }) => type === FRAME.PING).length
  clock.advance(4_900)
  await turns(5)
  expect(pings()).toBe(0)
  clock.advance(200)
  await upstream.signal.until(() => pings() === 1, 'a PING')
  clock.advance(4_900)
  expect(all.map(({ ended }) => ended)).toEqual([0, 0])
  clock.advance(200)
  expect(await Promise.all(all.map((got) => got.end()))).toEqual(['timeout', 'timeout'])
  await upstream.signal.until(() => upstream.sockets.size === 0, 'the end of the connection')
})

test('an upstream that answers PINGs is left alone, and not asked more often than servers of gRPC allow', async () => {
  const clock = new FakeClock()
  const upstream = await RawHttp2Upstream.start(() => {}, { acksPings: true })
  const rig = rigTo(upstream.port, { clock })
  cleanup.push(
    () => upstream.stop(),
    () => rig.stop(),
  )
  const got = new Heard(rig.channels.acquire(true))
  await connected(got)
  const pings = () => upstream.frames.filter(({ type }) => type === FRAME.PING).length
  for (const count of [1, 2]) {
    const heard = rig.heard
    clock.advance(5_100)
    await rig.signal.until(() => rig.heard > heard, `the answer to PING ${count}`)
    expect(pings()).toBe(count)
  }
  clock.advance(300_000)
  await turns(5)
  expect([pings(), got.ended]).toEqual([2, 0])
  const [socket] = upstream.sockets
  const heard = rig.heard
  socket?.write(Buffer.concat([headers(1, 0, [':status', '200']), data(1, 0, 'tea')]))
  await rig.signal.until(() => rig.heard > heard, 'some of the answer')
  clock.advance(5_100)
  await upstream.signal.until(() => pings() === 3, 'the next PING, sooner again')
  socket?.write(data(1, END_STREAM, ''))
  expect(await got.end()).toBe('finished')
})

test('SETTINGS, heads, bodies and PING all say that the upstream is alive', async () => {
  const upstream = await RawHttp2Upstream.start(() => {}, { settings: settings([MAX_CONCURRENT_STREAMS, 10]) })
  const rig = rigTo(upstream.port)
  cleanup.push(
    () => upstream.stop(),
    () => rig.stop(),
  )
  const got = new Heard(rig.channels.acquire(true))
  await connected(got)
  expect(rig.heard).toBe(1)
  const [socket] = upstream.sockets
  const frames = [
    headers(1, 0, [':status', '103']),
    headers(1, 0, [':status', '200']),
    data(1, 0, 'tea'),
    headers(1, END_STREAM, ['x', 'y']),
  ]
  for (const [index, bytes] of frames.entries()) {
    socket?.write(bytes)
    await rig.signal.until(() => rig.heard === index + 2, `frame ${index}`)
  }
})
