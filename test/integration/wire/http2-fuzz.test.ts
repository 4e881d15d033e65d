// An upstream and users that do anything at any moment, even in the middle of a call: every exchange ends once, nothing is
// left behind, and the process lives. (node:http2 can be brought to abort it: what this file finds takes the worker down.)
import { afterEach, expect, test } from 'vitest'
import type { FailureKind } from '../../../src/core/failure.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { UNLIMITED } from '../../../src/wire/connection-allowance.ts'
import { Http2Channels } from '../../../src/wire/http2-channels.ts'
import { DEFAULT_HEAD_LIMITS } from '../../../src/wire/limits.ts'
import { Sweeper, type Swept } from '../../../src/wire/sweeper.ts'
import type { ResponseHandler, UpstreamChannel } from '../../../src/wire/upstream-channel.ts'
import { at } from '../../support/place.ts'
import { Signal, turns } from '../../support/signal.ts'
import { Heard, rigTo } from './http2-rig.ts'
import { type Random, randomFrom } from './mutate.ts'
import { data, END_STREAM, FRAME, goaway, headers, RawHttp2Upstream, reset, settings } from './raw-http2-upstream.ts'

const EXCHANGES = 3_000
const AT_ONCE = 40
const MAX_CONCURRENT_STREAMS = 3
/** Every way must have been gone. */
const HOW = ['finished', 'discarded', 'reset', 'truncated', 'protocol', 'unprocessed', 'timeout', 'aborted']

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

const head = (id: number): Buffer => headers(id, 0, [':status', '200'])
const tea = (id: number, flags = 0): Buffer => data(id, flags, 'tea')
const malformed = (id: number): Buffer => headers(id, END_STREAM, [':status', '200'], ['x', 'y'], ['X', 'z'])

const ANSWERS: ((id: number) => Buffer)[] = [
  (id) => Buffer.concat([head(id), tea(id, END_STREAM)]),
  (id) => Buffer.concat([head(id), tea(id), headers(id, END_STREAM, ['x', 'y'])]),
  (id) =>
    Buffer.concat([
      head(id),
      ...Array.from({ length: 12 }, () => data(id, 0, 'x'.repeat(16_000))),
      tea(id, END_STREAM),
    ]),
  (id) => Buffer.concat([headers(id, 0, [':status', '103']), head(id), tea(id, END_STREAM)]),
  (id) => Buffer.concat([head(id), tea(id, END_STREAM), reset(id, 0)]),
  ...[0, 2, 8].map((code) => (id: number) => Buffer.concat([head(id), tea(id), reset(id, code)])),
  ...[0, 2, 7, 8, 13].map((code) => (id: number) => reset(id, code)),
  malformed,
]
const LAST_WORDS: ((id: number) => Buffer)[] = [
  () => goaway(0x7fffffff, 0),
  (id) => goaway(Math.max(0, id - 4), 0),
  (id) => goaway(id, 11),
  (id) => Buffer.concat([malformed(id), goaway(0, 0)]),
  () => Buffer.from('nothing that could be a frame'),
  () => Buffer.alloc(0),
]

async function erratic(random: Random): Promise<RawHttp2Upstream> {
  const of = <T>(all: readonly T[]): T => all[random(all.length)] as T
  const upstream = await RawHttp2Upstream.start(
    ({ type, stream, payload }, socket) => {
      if (type !== FRAME.HEADERS && type !== FRAME.DATA) return
      if (type === FRAME.DATA && random(3) > 0) return void socket.write(more(stream, payload.length))
      if (random(25) === 0) socket.end(of(LAST_WORDS)(stream))
      else if (random(60) === 0) socket.resetAndDestroy()
      else if (random(5) > 0 && socket.writable) socket.write(of(ANSWERS)(stream))
    },
    { settings: settings([MAX_CONCURRENT_STREAMS, 5 + random(10)]) },
  )
  cleanup.push(() => upstream.stop())
  return upstream
}

/** WINDOW_UPDATE, for the stream and for the connection. */
function more(stream: number, bytes: number): Buffer {
  const update = (id: number): Buffer => {
    const frame = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    frame.writeUInt32BE(id, 5)
    frame.writeUInt32BE(bytes, 9)
    return frame
  }
  return bytes === 0 ? Buffer.alloc(0) : Buffer.concat([update(stream), update(0)])
}

/** Sends in pieces, stops, pauses and gives up as chance has it. */
class Fickle implements ResponseHandler {
  readonly method: string
  readonly bareBody: boolean
  ends = 0
  ended = ''
  late = 0
  private sent = false
  private begun = false
  private readonly chunked: boolean
  private readonly channel: UpstreamChannel
  private readonly random: Random
  private readonly onEnd: () => void

  constructor(channel: UpstreamChannel, random: Random, onEnd: () => void) {
    this.channel = channel
    this.random = random
    this.onEnd = onEnd
    this.chunked = random(2) === 0
    this.method = this.chunked ? 'POST' : 'GET'
    this.bareBody = random(2) === 0
    channel.use(this)
  }

  onConnected(): void {
    if (this.ends > 0) this.late++
    this.begun = true
    const framing = this.chunked ? 'Transfer-Encoding: chunked\r\n' : ''
    this.channel.writeText(`${this.method} / HTTP/1.1\r\nHost: a\r\n${framing}\r\n`)
    setImmediate(() => this.act())
  }

  act(): void {
    if (this.ends > 0) return
    const { channel, random } = this
    switch (random(16)) {
      case 0:
        channel.discard()
        return this.end('discarded')
      case 1:
        return channel.fail('timeout', 'enough')
      case 2:
        channel.pause()
        return void setImmediate(() => channel.resume())
      default:
        if (this.chunked && this.begun && !this.sent) this.write()
    }
  }

  private write(): void {
    const { channel, random } = this
    this.sent = random(3) === 0
    if (this.sent) channel.writeText('0\r\nx: y\r\n\r\n')
    else channel.writeText(random(3) === 0 ? `4e20\r\n${'z'.repeat(20_000)}\r\n` : '3\r\ntea\r\n')
    if (this.sent) channel.requestFinished()
  }

  private end(how: string): void {
    this.ends++
    this.ended = how
    this.onEnd()
  }

  onInterim(): void {
    this.act()
  }
  onHead(): void {
    this.act()
  }
  onBody(): void {
    if (this.ends > 0) this.late++
    this.act()
  }
  onBatch(): void {
    this.act()
  }
  onWritable(): void {
    this.act()
  }
  onAbandoned(): void {
    this.act()
  }
  onFinished(): void {
    this.end('finished')
  }
  onFailed(kind: FailureKind): void {
    this.end(kind)
  }
  sweep(): void {
    // Nobody else ends what the upstream leaves unanswered.
    if (this.ends === 0) this.channel.fail('timeout', 'no answer')
  }
}

class CountingSweeper extends Sweeper {
  readonly present = new Set<Swept>()
  override add(member: Swept): void {
    this.present.add(member)
    super.add(member)
  }
  override remove(member: Swept): void {
    this.present.delete(member)
    super.remove(member)
  }
}

test.each([1, 2])(
  'whatever happens, every exchange ends once and nothing is left (seed %d)',
  { timeout: 60_000 },
  async (seed) => {
    const random = randomFrom(seed)
    const upstream = await erratic(random)
    const sweeper = new CountingSweeper(systemClock)
    const to = { ...at(upstream.port), socketPath: null, tls: null }
    const events = { onHeard: () => {}, onConnected: () => {} }
    const channels = new Http2Channels(to, { sweeper, limits: DEFAULT_HEAD_LIMITS, allowance: UNLIMITED, events })
    cleanup.push(() => sweeper.stop())
    const signal = new Signal()
    const all: Fickle[] = []
    let over = 0
    while (all.length < EXCHANGES) {
      const channel = random(10) === 0 ? channels.open() : channels.acquire(random(2) === 0)
      if (!channel) throw new Error('there is no channel')
      const fickle = new Fickle(channel, random, () => {
        over++
        // From within whatever call that was.
        if (random(200) === 0) channels.closeAll()
        if (random(100) === 0) channels.abandonWaiting('in vain')
        signal.notify()
      })
      all.push(fickle)
      await signal.until(() => all.length - over < AT_ONCE, 'an exchange to end')
    }
    await signal.until(() => over === EXCHANGES, 'all to end')
    channels.closeAll()
    await turns(10)
    expect(all.filter(({ ends, late }) => ends !== 1 || late !== 0)).toEqual([])
    for (const how of HOW) expect([how, all.some(({ ended }) => ended === how)]).toEqual([how, true])
    expect(sweeper.present.size).toBe(0)
  },
)

// The collector has to come by itself: forced, it takes things in an order that does no harm.
test('a malformed head right before the end of its connection leaves nothing that the collector trips over', async () => {
  const upstream = await RawHttp2Upstream.answering((id) => [Buffer.concat([malformed(id), goaway(0, 0)])])
  cleanup.push(() => upstream.stop())
  for (let i = 0; i < 1_000; i++) {
    const rig = rigTo(upstream.port)
    expect(['protocol', 'unprocessed']).toContain(await new Heard(rig.channels.acquire(true)).end())
    rig.stop()
  }
})
