// How long an HTTP/2 connection may take for what, and what its streams may use. The clock is simulated; what
// has arrived is real.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../support/fake-clock.ts'
import { StreamingOrigin } from '../../support/streaming-origin.ts'
import { Gate, whole } from './support/answers.ts'
import { Front, type FrontOptions } from './support/http2-front.ts'
import { GET, POST } from './support/http2-vectors.ts'
import { frame, headers, INITIAL_WINDOW_SIZE, PREFACE, RawHttp2, settings, uint32 } from './support/raw-http2.ts'

const NO_ERROR = 0
const REFUSED_STREAM = 7
const CANCEL = 8

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

describe('a connection', () => {
  test('without a request is closed when no head has come in time', async () => {
    await start()
    await open()
    clock.advance(9_900)
    await client.caughtUp()
    expect(client.goaway).toBeUndefined()
    clock.advance(200)
    expect(await client.until(() => client.goaway, 'GOAWAY')).toBe(NO_ERROR)
    // This client does not close its side.
    await client.until(() => client.closed, 'the end')
    clock.advance(2_100)
    await front.untilEnded()
  })

  test('that was gone before it got here has ended', async () => {
    await start({ gone: true })
    client = await RawHttp2.open(front.port)
    await front.signal.until(() => front.connections.size + front.ended > 0, 'the connection')
    clock.advance(100)
    await front.untilEnded()
  })

  test('that has said nothing but half of a preface is closed as well', async () => {
    await start()
    client = await RawHttp2.connect(front.port)
    client.send(Buffer.from(PREFACE.slice(0, 10)))
    await front.signal.until(() => front.connections.size === 1, 'the connection')
    clock.advance(10_100)
    clock.advance(12_100)
    await front.untilEnded()
  })

  test('between two requests is closed when it was idle for too long', async () => {
    await start()
    await open(headers(GET))
    await client.until(() => client.ended, 'the answer')
    clock.advance(59_900)
    client.send(headers(GET, { id: 3 }))
    await client.until(() => client.of('DATA', 3).length > 0, 'the second answer')
    clock.advance(59_900)
    await client.caughtUp()
    expect(client.goaway).toBeUndefined()
    clock.advance(200)
    expect(await client.until(() => client.goaway, 'GOAWAY')).toBe(NO_ERROR)
  })

  test('is not idle while a request waits for its answer', async () => {
    await start()
    const gate = new Gate()
    front.blue.script = () => ({ ...whole(200, 'at last'), before: gate.opened })
    await open(headers(GET))
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    clock.advance(29_000)
    gate.open()
    await client.until(() => client.ended, 'the answer')
    expect([client.status, client.body()]).toEqual([200, 'at last'])
  })

  test('that the client half-closes has ended', async () => {
    await start()
    front.blue.script = () => null
    await open(headers(GET))
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    client.socket.end()
    await front.untilEnded()
    await front.signal.until(() => front.records.length === 1, 'the request to end')
    expect(front.records).toMatchObject([{ error: 'client-gone' }])
  })

  test('serves as many streams as allowed, and refuses the rest', async () => {
    await start({ limits: { streams: 3 } })
    const gate = new Gate()
    front.blue.script = () => ({ ...whole(200, 'well'), before: gate.opened })
    await open(...[1, 3, 5, 7, 9].map((id) => headers(GET, { id })))
    expect([client.reset(7), client.reset(9)]).toEqual([REFUSED_STREAM, REFUSED_STREAM])
    gate.open()
    await client.until(() => [1, 3, 5].every((id) => client.body(id) === 'well'), 'the answers')
    expect(front.blue.arrived.length).toBe(3)
  })
})

test('bodies of several requests come side by side: the connection has a larger window than a stream', async () => {
  await start()
  await open()
  expect(client.of('WINDOW_UPDATE', 0)[0]?.payload.readUInt32BE()).toBe(1_048_576 - 65_535)
})

describe('a request body', () => {
  test('of which nothing comes any more is refused', async () => {
    await start()
    await open(headers(POST, { end: false }), frame('DATA', 0, 1, 'one'))
    await front.blue.until(() => [...front.blue.connections].some(({ pending }) => pending.endsWith('one\r\n')), 'it')
    clock.advance(59_900)
    client.send(frame('DATA', 0, 1, ' tea'))
    await client.caughtUp()
    clock.advance(59_900)
    await client.caughtUp()
    expect(client.status).toBeUndefined()
    clock.advance(200)
    await client.until(() => client.ended, 'the answer')
    expect(client.status).toBe(408)
    expect(front.blue.arrived).toEqual([])
    await front.blue.until(() => [...front.blue.connections].every(({ ending }) => ending !== 'open'), 'its end')
  })

  describe('of a gRPC call', () => {
    const CALL = [...POST, ['content-type', 'application/grpc+proto']] as const
    const MESSAGE = '\0\0\0\0\x03tea'
    let origin: StreamingOrigin
    afterEach(() => origin.stop())

    async function call(...pieces: readonly string[]): Promise<void> {
      origin = await StreamingOrigin.start(() => {})
      await start({ bluePort: origin.port })
      await open(headers(CALL, { end: false }), ...pieces.map((piece) => frame('DATA', 0, 1, piece)))
      await origin.signal.until(() => origin.requests === 1, 'the call')
    }

    test.each([
      ['before the first message', []],
      ['between two messages', [MESSAGE, MESSAGE.slice(0, 4), MESSAGE.slice(4)]],
    ])('may wait %s for an answer that has not begun', async (_, pieces) => {
      await call(...pieces)
      await client.outlast(clock, 600_000)
      expect([client.status, client.goaway]).toEqual([undefined, undefined])
      for (const socket of origin.sockets) socket.write('HTTP/1.1 200 OK\r\n\r\nhello')
      await client.until(() => client.body() === 'hello', 'the answer')
    })

    test.each([
      ['the prefix', MESSAGE.slice(0, 4)],
      ['a message', MESSAGE.slice(0, 6)],
    ])('is refused when it stops within %s', async (_, piece) => {
      await call(MESSAGE, piece)
      clock.advance(59_900)
      await client.caughtUp()
      expect(client.status).toBeUndefined()
      clock.advance(200)
      await client.until(() => client.ended, 'the answer')
      expect(client.status).toBe(408)
    })
  })

  test('need not come before the client is told to go on', async () => {
    await start({ limits: { idleTimeout: 1_000 } })
    front.blue.continues = false
    await open(headers([...POST, ['expect', '100-continue']], { end: false }))
    await front.blue.until(() => [...front.blue.connections].some(({ pending }) => pending !== ''), 'the head')
    clock.advance(5_000)
    await client.caughtUp()
    expect([client.status, client.goaway]).toEqual([undefined, undefined])
  })

  describe('that the upstream does not take', () => {
    const POUR = Array.from({ length: 4 }, () => frame('DATA', 0, 1, 'x'.repeat(16_000)))
    let origin: StreamingOrigin
    afterEach(() => origin.stop())

    /** The proxy reads no more of the stream, and something of it lies there unread. */
    async function clog(): Promise<void> {
      origin = await StreamingOrigin.start((socket) => socket.pause())
      await start({ bluePort: origin.port })
      await open(headers(POST, { end: false }))
      await origin.signal.until(() => origin.requests === 1, 'the request')
      for (let window = 65_535; window > 0; ) {
        const before = client.of('WINDOW_UPDATE').length
        if (window >= 64_000) client.send(...POUR)
        window -= 64_000
        await client.caughtUp()
        for (const { payload } of client.of('WINDOW_UPDATE').slice(before)) window += payload.readUInt32BE()
      }
    }

    test.each([0, CANCEL])('is let go when the client resets it (%i)', async (code) => {
      await clog()
      client.send(frame('RST_STREAM', 0, 1, uint32(code)))
      await front.signal.until(() => front.records.length === 1, 'the request to end')
      expect(front.records).toMatchObject([{ error: 'client-gone' }])
      expect(front.inFlight).toBe(0)
      for (const connection of front.connections) connection.closeWhenDone()
      await client.until(() => client.closed, 'the end')
    })

    test('is let go when it is answered all the same', async () => {
      await clog()
      for (const socket of origin.sockets) socket.write('HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno')
      await client.until(() => client.ended, 'the answer')
      clock.advance(100)
      expect(await client.until(() => client.reset() ?? undefined, 'the reset')).toBe(NO_ERROR)
      for (const connection of front.connections) connection.closeWhenDone()
      await client.until(() => client.closed, 'the end')
    })
  })

  test('may pause for as long as it likes once its answer has begun', async () => {
    const origin = await StreamingOrigin.start((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhello'))
    await start({ bluePort: origin.port })
    await open(headers(POST, { end: false }))
    await client.until(() => client.body() === 'hello', 'the beginning of the answer')
    await client.outlast(clock, 600_000)
    for (const socket of origin.sockets) socket.write(' again')
    await client.until(() => client.body() === 'hello again', 'more of it')
    expect(client.goaway).toBeUndefined()
    await origin.stop()
  })

  test.each([
    ['with a body', 'Content-Length: 100\r\n', 'x'.repeat(100)],
    ['without one', 'Content-Length: 0\r\n', ''],
    ['in chunks', 'Transfer-Encoding: chunked\r\n', `64\r\n${'x'.repeat(100)}\r\n0\r\nX-Sum: 1\r\n\r\n`],
  ])('is no longer wanted after an answer %s, of which nothing is lost', async (_, framing, body) => {
    const origin = await StreamingOrigin.start((socket) => socket.write(`HTTP/1.1 413 No\r\n${framing}\r\n${body}`))
    await start({ bluePort: origin.port })
    client = await RawHttp2.connect(front.port)
    client.send(Buffer.from(PREFACE), settings([INITIAL_WINDOW_SIZE, 10]), headers(POST, { end: false }))
    await client.until(() => client.status === 413, 'the head')
    clock.advance(1_000)
    await client.caughtUp()
    client.send(frame('WINDOW_UPDATE', 0, 1, uint32(1_000)))
    await client.until(() => client.ended, 'the end of the answer')
    clock.advance(100)
    expect(await client.until(() => client.reset() ?? undefined, 'the reset')).toBe(NO_ERROR)
    expect(client.body().length).toBe(body === '' ? 0 : 100)
    const order = client.frames.filter(({ id }) => id === 1).map(({ type }) => type)
    expect(order.at(-1)).toBe('RST_STREAM')
    await origin.stop()
  })
})

describe('an answer', () => {
  const MEGABYTE = `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`

  test('that the client does not take ends the connection', async () => {
    await start()
    front.blue.script = () => ({ bytes: MEGABYTE })
    client = await RawHttp2.connect(front.port)
    client.send(Buffer.from(PREFACE), settings([INITIAL_WINDOW_SIZE, 0]), headers(GET))
    await client.until(() => client.of('HEADERS').length === 1, 'the head')
    clock.advance(9_900)
    await client.caughtUp()
    expect(client.closed).toBe(false)
    clock.advance(200)
    await front.untilEnded()
    await front.blue.until(() => [...front.blue.connections].every(({ ending }) => ending !== 'open'), 'its end')
    expect(front.inFlight).toBe(0)
  })

  test('that is small and whole waits no longer for a client that does not take it', async () => {
    await start()
    client = await RawHttp2.connect(front.port)
    client.send(Buffer.from(PREFACE), settings([INITIAL_WINDOW_SIZE, 0]), headers(GET))
    await front.signal.until(() => front.records.length === 1, 'the exchange to end')
    clock.advance(10_200)
    await front.untilEnded()
  })

  test('may be taken slowly', async () => {
    await start()
    front.blue.script = () => ({ bytes: MEGABYTE })
    client = await RawHttp2.connect(front.port)
    client.send(Buffer.from(PREFACE), settings([INITIAL_WINDOW_SIZE, 0]), headers(GET))
    for (let taken = 20_000; taken <= 200_000; taken += 20_000) {
      client.send(frame('WINDOW_UPDATE', 0, 1, uint32(20_000)), frame('WINDOW_UPDATE', 0, 0, uint32(20_000)))
      await client.until(() => client.body().length === taken, `${taken} bytes`)
      clock.advance(9_000)
    }
    expect(client.closed).toBe(false)
  })

  test('of which only crumbs are taken ends the connection', async () => {
    await start()
    front.blue.script = () => ({ bytes: MEGABYTE })
    client = await RawHttp2.connect(front.port)
    client.send(Buffer.from(PREFACE), settings([INITIAL_WINDOW_SIZE, 0]), headers(GET))
    for (let taken = 1; taken <= 5; taken++) {
      client.send(frame('WINDOW_UPDATE', 0, 1, uint32(1)))
      await client.until(() => client.body().length === taken, `${taken} bytes`)
      clock.advance(2_400)
    }
    await front.untilEnded()
  })
})
