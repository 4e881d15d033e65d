// Clients with streams that may rightly be silent: whether they are still there. The clock is simulated, but for one test;
// what has arrived is real.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/runtime/clock.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { turns } from '../../support/signal.ts'
import { StreamingOrigin } from '../../support/streaming-origin.ts'
import { Front } from './support/http2-front.ts'
import { POST } from './support/http2-vectors.ts'
import { ACK, frame, headers, RawHttp2, uint32 } from './support/raw-http2.ts'

describe('a client with a stream on which nothing is said', () => {
  const CALL = headers([...POST, ['content-type', 'application/grpc+proto']], { end: false })
  let clock: FakeClock
  let front: Front
  let client: RawHttp2
  let origin: StreamingOrigin
  beforeEach(async () => {
    origin = await StreamingOrigin.start(() => {})
    clock = new FakeClock()
    front = await Front.start({ clock, bluePort: origin.port })
  })
  afterEach(async () => {
    client.destroy()
    await front.stop()
    await origin.stop()
  })

  async function call(): Promise<void> {
    client = await RawHttp2.open(front.port, CALL)
    await client.caughtUp()
    await origin.signal.until(() => origin.requests === 1, 'the call')
  }
  const drain = (): void => {
    for (const connection of front.connections) connection.closeWhenDone()
  }
  const pings = () => client.of('PING', 0).filter(({ flags }) => flags === 0).length

  test('is asked now and then whether it is there, and stays', async () => {
    await call()
    await client.outlast(clock, 600_000)
    expect(pings()).toBeGreaterThanOrEqual(5)
    expect(pings()).toBeLessThanOrEqual(10)
    expect([front.ended, front.inFlight]).toEqual([0, 1])
  })

  test('is not asked between requests', async () => {
    await call()
    for (const socket of origin.sockets) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    await client.until(() => client.ended, 'the answer')
    clock.advance(59_000)
    await client.caughtUp()
    expect(pings()).toBe(0)
  })

  test('and does not answer is let go, and its stream with it', async () => {
    await call()
    client.alive = false
    clock.advance(60_100)
    await client.until(() => pings() === 1, 'a PING')
    // Once more: something has come since, if only acknowledgements.
    clock.advance(119_000)
    expect(front.ended).toBe(0)
    clock.advance(1_200)
    await front.untilEnded()
    await front.signal.until(() => front.inFlight === 0, 'the stream to be ended')
    expect(front.records).toMatchObject([{ error: 'client-gone' }])
  })

  test('and answers late, but sends or takes something, stays', async () => {
    await call()
    client.alive = false
    clock.advance(60_100)
    await client.until(() => pings() === 1, 'a PING')
    for (let minute = 0; minute < 5; minute++) {
      client.send(frame('WINDOW_UPDATE', 0, 1, uint32(1)))
      await client.caughtUp()
      clock.advance(60_100)
    }
    expect(front.ended).toBe(0)
  })

  test('whose answer lay unread while the process stood still stays', async () => {
    await call()
    client.alive = false
    clock.advance(60_100)
    const { payload } = await client.until(() => client.of('PING', 0).find(({ flags }) => flags === 0), 'a PING')
    clock.advance(60_100)
    // I/O here is real: what has come is read before the task runs.
    clock.afterPendingIo = systemClock.afterPendingIo
    client.send(frame('PING', ACK, 0, payload))
    clock.stall(120_000)
    await turns(10)
    await client.caughtUp()
    expect(front.ended).toBe(0)
  })

  test('is asked behind a GOAWAY as well, and stays', async () => {
    await call()
    client.send(frame('SETTINGS', ACK, 0))
    client.acknowledges = true
    drain()
    await client.outlast(clock, 600_000)
    const asked = client.of('SETTINGS', 0).filter(({ flags }) => flags === 0).length - 1
    expect(asked).toBeGreaterThanOrEqual(5)
    expect(asked).toBeLessThanOrEqual(10)
    expect([front.ended, front.inFlight]).toEqual([0, 1])
    for (const socket of origin.sockets) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello')
    await client.until(() => client.body() === 'hello', 'the answer')
  })

  // node:http2 says nothing of these failures, and reads no more.
  describe.each([
    ['the proxy', drain],
    ['the client', () => client.send(frame('GOAWAY', 0, 0, Buffer.concat([uint32(0), uint32(0)])))],
  ])('cannot keep it open behind the GOAWAY of %s', (_, leave) => {
    test.each([
      ['a frame out of place', frame('CONTINUATION', 0, 1, 'x')],
      ['a frame that is too large', frame('DATA', 0, 1, 'x'.repeat(20_000))],
      ['DATA for a stream that is not open', frame('DATA', 0, 7, 'x')],
    ])('by %s', async (_, wrong) => {
      await call()
      leave()
      await client.caughtUp()
      client.send(wrong)
      await client.until(() => client.of('GOAWAY', 0).some(({ payload }) => payload.readUInt32BE(4) > 0), 'the error')
      client.socket.end()
      for (let passed = 0; passed < 180_000 && front.ended === 0; passed += 30_000) {
        clock.advance(30_200)
        await turns(10)
      }
      await front.untilEnded()
      await front.signal.until(() => front.inFlight === 0, 'the stream to be ended')
      expect(front.records).toMatchObject([{ error: 'client-gone' }])
    })
  })
})
