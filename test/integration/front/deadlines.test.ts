// How long a client may take for what, where Node serves it. The clock is simulated; what has arrived is real.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Gate, whole } from '../http/support/answers.ts'
import { LocalFront } from './support/local-front.ts'

const REQUEST = 'GET /x HTTP/1.1\r\nHost: shop.test\r\n\r\n'
const UPLOAD = 'POST /up HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000\r\n\r\n'

let front: LocalFront
beforeEach(async () => {
  front = await LocalFront.start([
    { path: '/long', methods: [], kind: 'respond', status: 200, body: 'x'.repeat(64 * 1_048_576), type: 'text/plain' },
  ])
})
afterEach(() => front.stop())

describe('a connection', () => {
  test('is closed in silence when no request comes', async () => {
    const client = await front.connect()
    front.clock.advance(59_900)
    expect(client.ending).toBe('open')
    front.clock.advance(200)
    expect(await client.closed()).toBe('end')
    expect(client.text).toBe('')
  })

  test('may stay open between requests for as long', async () => {
    const client = await front.connect()
    front.clock.advance(50_000)
    await client.send(REQUEST)
    await client.response()
    front.clock.advance(50_000)
    client.forget()
    await client.send(REQUEST)
    await client.response()
    front.clock.advance(61_000)
    expect(await client.closed()).toBe('end')
  })

  test('whose client does not close it is gone soon after', async () => {
    const client = await front.connect()
    front.served[0]?.closeWhenDone()
    expect(await client.closed()).toBe('end')
    expect(front.ended).toBe(0)
    front.clock.advance(2_100)
    await front.signal.until(() => front.ended === 1, 'its end')
  })
})

describe('a head', () => {
  test('that is not complete in time is refused', async () => {
    const client = await front.connect()
    await client.send(REQUEST.slice(0, -2))
    // Seen by the next look, and counted from then on.
    await settled()
    front.clock.advance(50)
    front.clock.advance(10_100)
    const { status, body } = await client.response()
    expect([status, body]).toEqual([408, expect.stringContaining('no complete head within 10000 ms')])
    expect(await client.closed()).toBe('end')
    expect(front.blue.accepted).toBe(0)
  })

  test('is not helped by coming in small pieces', async () => {
    const client = await front.connect()
    for (let at = 0; at < 11 && client.ending === 'open'; at++) {
      await client.send(REQUEST[at] ?? '')
      await settled()
      front.clock.advance(1_000)
    }
    await client.closed()
    expect(client.text).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('a body', () => {
  test('that comes too slowly is refused, and its upstream let go', async () => {
    const client = await front.connect()
    await client.send(`${UPLOAD}slow`)
    await front.blue.until(() => [...front.blue.connections].some(({ pending }) => pending.endsWith('slow')), 'a part')
    front.clock.advance(4_900)
    expect(client.text).toBe('')
    front.clock.advance(300)
    expect(await client.response('POST')).toMatchObject({ status: 408 })
    expect(await client.closed()).toBe('end')
    await expect.poll(() => front.inFlight).toBe(0)
    expect(front.blue.arrived).toEqual([])
  })

  test('that comes fast enough may take as long as it takes', async () => {
    const client = await front.connect()
    await client.send(UPLOAD)
    const received = () => [...front.blue.connections].reduce((sum, { bytes }) => sum + bytes.length, 0)
    await expect.poll(received).toBeGreaterThan(0)
    for (let sent = 0; sent < 10; sent++) {
      const before = received()
      await client.send('x'.repeat(100_000))
      await expect.poll(received).toBe(before + 100_000)
      front.clock.advance(4_000)
    }
    expect(await client.response('POST')).toMatchObject({ status: 200 })
  })

  test('that nobody has asked for yet may wait', async () => {
    front.blue.continues = false
    const client = await front.connect()
    await client.send(UPLOAD.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'))
    await front.blue.until(() => [...front.blue.connections].some(({ pending }) => pending !== ''), 'the head')
    front.clock.advance(10_000)
    expect(client.text).toBe('')
    for (const { socket } of front.blue.connections) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    await expect.poll(() => client.text).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  })
})

describe('an answer', () => {
  test.each([
    ['of an upstream', '/large'],
    ['of the listener itself', '/long'],
  ])('%s that the client does not take is cut off', async (_, target) => {
    front.blue.script = () => whole(200, 'x'.repeat(64 * 1_048_576))
    const client = await front.connect()
    client.socket.pause()
    await client.send(REQUEST.replace('/x', target))
    // The client's own buffers take some of it.
    await expect.poll(() => after(1_000).ended, { timeout: 15_000, interval: 20 }).toBe(1)
    expect(front.inFlight).toBe(0)
    client.socket.resume()
    expect(await client.closed()).toBe('reset')
  })

  test('may be long in coming', async () => {
    const gate = new Gate()
    front.blue.script = () => ({ ...whole(200, 'at last'), before: gate.opened })
    const client = await front.connect()
    await client.send(REQUEST)
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    front.clock.advance(25_000)
    gate.open()
    expect((await client.response()).body).toBe('at last')
  })
})

describe('a client that has sent FIN', () => {
  test('gets its answer if it only has no more to send', async () => {
    const gate = new Gate()
    front.blue.script = () => ({ ...whole(200, 'at last'), before: gate.opened })
    const client = await front.connect()
    await client.send(REQUEST)
    client.halfClose()
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    await settled()
    front.clock.advance(1_000)
    await expect.poll(() => client.read().interims.length).toBe(2)
    gate.open()
    expect((await client.response()).body).toBe('at last')
    expect(await client.closed()).toBe('end')
  })

  test('is found out if it is gone, and its request taken back', async () => {
    front.blue.script = () => null
    const client = await front.connect()
    await client.send(REQUEST)
    await front.blue.until(() => front.blue.arrived.length === 1, 'the request')
    client.destroy()
    await expect.poll(() => after(150).inFlight).toBe(0)
    await front.signal.until(() => front.ended === 1, 'its end')
  })
})

function after(milliseconds: number): LocalFront {
  front.clock.advance(milliseconds)
  return front
}

/** The other side has read what was sent. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}
