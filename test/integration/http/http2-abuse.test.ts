// Clients that cost more than they should, or break the protocol (CVE-2023-44487, CVE-2024-27316 and their like). The
// clock is simulated; what has arrived is real.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../support/fake-clock.ts'
import { Stream, StreamingOrigin, settled } from '../../support/streaming-origin.ts'
import { Front, type FrontOptions } from './support/http2-front.ts'
import { GET, POST } from './support/http2-vectors.ts'
import {
  END_HEADERS,
  type FieldPairs,
  fieldBlock,
  frame,
  headers,
  INITIAL_WINDOW_SIZE,
  PREFACE,
  RawHttp2,
  settings,
  uint32,
} from './support/raw-http2.ts'

const CANCEL = 8
const ENHANCE_YOUR_CALM = 11

const CONTINUATION = frame('CONTINUATION', 0, 1, fieldBlock([['x', 'y']]))

let clock: FakeClock
let front: Front
let client: RawHttp2
beforeEach(() => {
  clock = new FakeClock()
})
afterEach(async () => {
  client.destroy()
  await front.stop()
})

async function start(options: FrontOptions = {}): Promise<void> {
  front = await Front.start({ clock, ...options })
}

async function open(...frames: readonly Buffer[]): Promise<void> {
  client = await RawHttp2.open(front.port, ...frames)
  await client.caughtUp()
}

describe('a client that', () => {
  const cancelled = (id: number, fields: FieldPairs = GET): Buffer[] => [
    headers(fields, { id }),
    frame('RST_STREAM', 0, id, uint32(CANCEL)),
  ]
  const manyCancelled = (fields: FieldPairs): Buffer[] =>
    Array.from({ length: 300 }, (_, index) => cancelled(2 * index + 1, fields)).flat()

  test.each(['GET', 'HEAD'])('resets streams (%s) as fast as it opens them is sent away', async (method) => {
    await start()
    front.blue.script = () => null
    await open(...manyCancelled(GET.map(([name, value]) => [name, name === ':method' ? method : value])))
    clock.advance(0)
    expect(await client.until(() => client.goaway, 'GOAWAY')).toBe(ENHANCE_YOUR_CALM)
    await front.untilEnded()
    // One more than allowed, and what was under way.
    expect(front.records.length).toBeLessThanOrEqual(102)
    expect(front.inFlight).toBe(0)
  })

  test('is to be sent away, but takes nothing any more, cannot stay by that', async () => {
    const origin = await StreamingOrigin.start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      stream.pump(socket, () => {})
    })
    const stream = new Stream(64 * 1024 * 1024)
    await start({ bluePort: origin.port })
    client = await RawHttp2.connect(front.port)
    client.send(Buffer.from(PREFACE), settings([INITIAL_WINDOW_SIZE, 0x7fffffff]), headers(GET, { id: 1_001 }))
    client.send(frame('WINDOW_UPDATE', 0, 0, uint32(0x7fff0000)))
    await client.until(() => client.of('DATA', 1_001).length > 0, 'the beginning of an answer')
    client.socket.pause()
    await settled(() => stream.written)
    client.send(...Array.from({ length: 300 }, (_, index) => cancelled(2 * index + 1_003)).flat())
    await front.signal.until(() => front.records.length > 100, 'the resets')
    clock.advance(0)
    await front.signal.until(() => front.inFlight === 0, 'the streams to be ended')
    expect(front.ended).toBe(0)
    clock.advance(10_200)
    await front.untilEnded()
    await origin.stop()
  })

  test('has streams reset by its own errors is sent away too', async () => {
    await start()
    front.blue.script = () => null
    const wrong = (id: number): Buffer[] => [
      headers(POST, { id, end: false }),
      frame('WINDOW_UPDATE', 0, id, uint32(0)),
    ]
    await open(...Array.from({ length: 300 }, (_, index) => wrong(2 * index + 1)).flat())
    await front.untilEnded()
    expect(front.inFlight).toBe(0)
  })

  test('resets some now and then is served', async () => {
    await start()
    let id = 1
    await open()
    for (let second = 0; second < 5; second++) {
      for (let count = 0; count < 100; count++, id += 2) client.send(...cancelled(id))
      await client.caughtUp()
      clock.advance(1_000)
    }
    expect(client.goaway).toBeUndefined()
    client.send(headers(GET, { id }))
    await client.until(() => client.of('DATA', id).length > 0, 'an answer')
  })

  test('resets everything it ever asks is sent away in the end', async () => {
    await start()
    front.blue.script = () => null
    await open()
    for (let id = 1; id < 2_100 && client.goaway === undefined; id += 100) {
      for (let at = id; at < id + 100; at += 2) client.send(...cancelled(at))
      await client.caughtUp()
      clock.advance(1_000)
    }
    expect(await client.until(() => client.goaway, 'GOAWAY')).toBe(ENHANCE_YOUR_CALM)
  })

  test.each([
    ['continues a head without end', [frame('HEADERS', 1, 1, fieldBlock(GET)), ...repeat(20, CONTINUATION)]],
    ['sends DATA with nothing in it', [headers(POST, { end: false }), ...repeat(200, frame('DATA', 0, 1))]],
    ['sends frames that are too large', [frame('DATA', 0, 1, 'x'.repeat(20_000))]],
    ['opens streams that are the server’s', [headers(GET, { id: 2 })]],
    ['sends DATA for a stream that is not open', [frame('DATA', END_HEADERS, 7, 'x')]],
    ['updates a window by too much', [frame('WINDOW_UPDATE', 0, 0, uint32(0x7fffffff))]],
    ['speaks HTTP/1.1 behind the preface', [Buffer.from('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n'.repeat(4))]],
  ] as const)('%s is sent away', async (_, frames) => {
    await start()
    front.blue.script = () => null
    client = await RawHttp2.open(front.port, ...frames)
    await front.untilEnded()
    await client.until(() => client.closed, 'the end')
    expect(client.goaway).toBeGreaterThan(0)
    expect(front.inFlight).toBe(0)
  })

  test('lets acknowledgements pile up unread is sent away', async () => {
    await start()
    client = await RawHttp2.open(front.port)
    client.socket.pause()
    const pings = Buffer.concat(repeat(20_000, frame('PING', 0, 0, '12345678')))
    const more = (): void => {
      while (!client.socket.destroyed && client.socket.write(pings));
    }
    client.socket.on('drain', more)
    more()
    await front.signal.until(() => front.ended === 1, 'the connection to end', 15_000)
  })
})

function repeat(count: number, bytes: Buffer): Buffer[] {
  return Array.from({ length: count }, () => bytes)
}
