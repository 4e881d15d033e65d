// What is sent again is the request as it was: its body, its framing, and what of it is still to come.
import { afterEach, describe, expect, test } from 'vitest'
import type { RawClient } from '../../support/raw-client.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { named, reset, whole } from './support/answers.ts'
import type { PairOptions } from './support/pair.ts'
import { inChunks, Pair, requestText } from './support/pair.ts'

let pair: Pair
const start = async (options: PairOptions = {}): Promise<Pair> => {
  pair = await Pair.start(options)
  return pair
}
afterEach(() => pair.stop())

/** Not repeating, so that a piece that is lost, doubled or moved shows. */
const numbered = (length: number): string => {
  let text = ''
  for (let count = 0; text.length < length; count++) text += `${count},`
  return text.slice(0, length)
}

/** The connection of blue on which a request has begun to arrive. */
const partlyArrived = (bytes: number) =>
  pair.blue.upstream.until(
    () => [...pair.blue.upstream.connections].find((one) => one.ending === 'open' && one.pending.length >= bytes),
    `${bytes} bytes of a request at blue`,
  )

describe('Idempotency-Key', () => {
  const order = { method: 'POST', target: '/orders', body: 'one tea' }
  const key = ['Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324']

  test('a pool that opted in sends a POST with a key again', async () => {
    const { blue, green } = await start({ pool: { replay: { idempotencyKey: true } } })
    blue.serve = () => reset
    const response = await pair.ask({ ...order, fields: key })
    expect([response.status, response.body]).toEqual([200, 'by green'])
    expect(valuesOf(green.arrived[0]?.fields ?? [], 'idempotency-key')).toHaveLength(1)
  })

  test('a pool that opted in leaves a POST without a key alone', async () => {
    const { blue, green } = await start({ pool: { replay: { idempotencyKey: true } } })
    blue.serve = () => reset
    expect((await pair.ask(order)).status).toBe(502)
    expect(green.seen).toEqual([])
  })

  test('without opting in a key changes nothing', async () => {
    const { blue, green } = await start()
    blue.serve = () => reset
    expect((await pair.ask({ ...order, fields: key })).status).toBe(502)
    expect(green.seen).toEqual([])
  })
})

describe('a body larger than the replay limit', () => {
  const body = numbered(300_000)

  test('is served all the same, never with 413', async () => {
    const { blue } = await start({ pool: { replay: { body: '4KiB' } } })
    expect((await pair.ask({ method: 'POST', body })).status).toBe(200)
    expect(blue.arrived[0]?.body === body).toBe(true)
  })

  test('loses the right to a replay', async () => {
    const { blue, green } = await start({ pool: { replay: { body: '4KiB' } } })
    blue.serve = () => reset
    expect((await pair.ask({ method: 'PUT', body })).status).toBe(502)
    expect(green.seen).toEqual([])
    expect(await pair.metric('replay_abandoned_total', 'why="body-not-kept"')).toBe(1)
  })

  test('is not read beyond the limit before a connection stands, so a refused one costs nothing', async () => {
    const { blue, green } = await start({ pool: { replay: { body: '4KiB' } } })
    await blue.upstream.stop()
    const response = await pair.ask({ method: 'POST', body })
    expect([response.status, response.body]).toEqual([200, 'by green'])
    expect(green.arrived[0]?.body === body).toBe(true)
  })
})

describe('bodies within the limit', () => {
  test.each([1, 16_384, 16_385, 65_536])('%i bytes are sent again exactly as they came', async (length) => {
    const { blue, green } = await start()
    const body = numbered(length)
    blue.serve = () => reset
    expect((await pair.ask({ method: 'PUT', body })).body).toBe('by green')
    expect(blue.arrived[0]?.body === body).toBe(true)
    expect(green.arrived[0]?.body === body).toBe(true)
  })

  test.each([3, 5_000])('a chunked body, in chunks of %i bytes, is sent again with its framing', async (chunked) => {
    const { blue, green } = await start()
    const body = numbered(20_000)
    blue.serve = () => reset
    const fields = ['X-Kind: chunked']
    expect((await pair.ask({ method: 'PUT', body, chunked, fields })).body).toBe('by green')
    expect(green.arrived[0]?.framing).toBe('chunked')
    expect(green.arrived[0]?.body === body).toBe(true)
    expect(valuesOf(green.arrived[0]?.fields ?? [], 'x-kind')).toEqual(['chunked'])
  })

  test('an answer of 503 to a chunked PUT is replaced by the standby’s', async () => {
    const { blue, green } = await start()
    blue.serve = () => whole(503, 'busy')
    expect((await pair.ask({ method: 'PUT', body: 'in chunks', chunked: 2 })).body).toBe('by green')
    expect(green.arrived[0]?.body).toBe('in chunks')
  })
})

describe('while the client is still sending its body', () => {
  const body = numbered(12_000)
  const begin = async (method: string, sent: string): Promise<RawClient> => {
    const client = await pair.connect()
    await client.send(sent)
    const blue = await partlyArrived(4_000)
    expect(blue.pending.startsWith(`${method} / `)).toBe(true)
    blue.socket.resetAndDestroy()
    return client
  }

  test('PUT goes on at the standby: what had come, then what comes', async () => {
    await start()
    const whole = requestText({ method: 'PUT', body })
    const client = await begin('PUT', whole.slice(0, 6_000))
    await pair.green.upstream.until(() => pair.green.upstream.connections.size > 1, 'the replay to begin')
    await client.send(whole.slice(6_000))
    expect((await client.response('PUT')).body).toBe('by green')
    expect(pair.green.arrived.map((request) => request.body === body)).toEqual([true])
  })

  test('a chunked PUT goes on in the middle of a chunk', async () => {
    await start()
    const whole = requestText({ method: 'PUT', body, chunked: 5_000 })
    const client = await begin('PUT', whole.slice(0, 7_000))
    await client.send(whole.slice(7_000))
    expect((await client.response('PUT')).body).toBe('by green')
    expect(pair.green.arrived.map((request) => request.body === body)).toEqual([true])
    expect(inChunks(body, 5_000).length).toBeGreaterThan(body.length)
  })

  test('POST is answered with 502 and the connection is closed, for the rest of its body is not wanted', async () => {
    await start()
    const client = await begin('POST', requestText({ method: 'POST', body }).slice(0, 6_000))
    const response = await client.response('POST')
    expect([response.status, valuesOf(response.fields, 'connection')]).toEqual([502, ['close']])
    expect(await client.closed()).toBe('end')
    expect(pair.green.seen).toEqual([])
  })
})

describe('Expect: 100-continue', () => {
  const head = requestText({ method: 'PUT', fields: ['Expect: 100-continue'], body: 'one tea' }).replace('one tea', '')
  const interims = (client: RawClient): number[] => client.read(['PUT']).interims.map(({ status }) => status)
  const continued = (client: RawClient) =>
    client.signal.until(() => interims(client).includes(100), 'the client to be told to continue')

  test('a request that was continued by the primary and then lost is finished by the standby', async () => {
    const { blue, green } = await start()
    blue.serve = () => reset
    const client = await pair.connect()
    await client.send(head)
    await continued(client)
    await client.send('one tea')
    expect((await client.response('PUT')).body).toBe('by green')
    expect(green.arrived.map(({ body }) => body)).toEqual(['one tea'])
  })

  test('the primary is gone before it said continue: the standby says it', async () => {
    const { blue, green } = await start()
    blue.upstream.continues = false
    const client = await pair.connect()
    await client.send(head)
    const connection = await partlyArrived(head.length - 40)
    expect(interims(client)).toEqual([])
    connection.socket.resetAndDestroy()
    await continued(client)
    await client.send('one tea')
    expect((await client.response('PUT')).body).toBe('by green')
    expect(green.arrived.map(({ body }) => body)).toEqual(['one tea'])
  })

  test('a refusal in place of a continue reaches the client, which then keeps its body', async () => {
    const { blue, green } = await start()
    blue.upstream.continues = false
    const client = await pair.connect()
    await client.send(head)
    const { socket } = await partlyArrived(head.length - 40)
    socket.write(whole(401, 'who are you').bytes)
    const response = await client.response('PUT')
    expect([response.status, response.body]).toEqual([401, 'who are you'])
    expect(await client.closed()).toBe('end')
    expect(green.seen).toEqual([])
  })
})

test('a HEAD is sent again like a GET', async () => {
  const { blue, green } = await start()
  blue.serve = () => reset
  green.serve = named('green')
  const response = await pair.ask({ method: 'HEAD' })
  expect([response.status, response.body, green.seen]).toEqual([200, '', ['HEAD /']])
})
