// What the proxy says by itself: request ids, its own errors in the format asked for, and how it says goodbye.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RawClient } from '../../support/raw-client.ts'
import { type StrictResponse, valuesOf } from '../../support/strict-http.ts'
import { Gate, named, reset, whole } from './support/answers.ts'
import { Pair, requestText } from './support/pair.ts'

let pair: Pair
beforeEach(async () => {
  pair = await Pair.start()
})
afterEach(() => pair.stop())

const idOf = ({ fields }: Pick<StrictResponse, 'fields'>): string[] => valuesOf(fields, 'x-request-id')

describe('X-Request-Id', () => {
  test('the client’s own goes to the upstream and comes back', async () => {
    const response = await pair.ask({ fields: ['X-Request-Id: order-42'] })
    expect(idOf(response)).toEqual(['order-42'])
    expect(pair.blue.arrived.map(idOf)).toEqual([['order-42']])
  })

  test('without one it is made, a new one for each request', async () => {
    const made = [await pair.ask(), await pair.ask()].map((response) => idOf(response)[0])
    expect(made[0]).toMatch(/^[\w-]+$/)
    expect(made[0]).not.toBe(made[1])
    expect(pair.blue.arrived.map(idOf)).toEqual(made.map((id) => [id]))
  })

  test('stays the same through a replay', async () => {
    pair.blue.serve = () => reset
    const response = await pair.ask()
    expect(response.body).toBe('by green')
    expect([...pair.blue.arrived, ...pair.green.arrived].map(idOf)).toEqual([idOf(response), idOf(response)])
  })

  test('is on the proxy’s own errors too, for that is when people ask for it', async () => {
    pair.blue.serve = () => reset
    expect(idOf(await pair.ask({ method: 'POST', fields: ['X-Request-Id: order-42'] }))).toEqual(['order-42'])
  })
})

describe('errors', () => {
  const lost = (fields: string[]) => {
    pair.blue.serve = () => reset
    return pair.ask({ method: 'POST', body: 'one tea', fields })
  }

  test('are JSON for who accepts JSON', async () => {
    const response = await lost(['Accept: application/json'])
    expect(valuesOf(response.fields, 'content-type')).toEqual(['application/json'])
    expect(JSON.parse(response.body)).toMatchObject({ code: 'upstream_broke', message: expect.any(String) })
  })

  test('are plain text for everyone else, and never cached', async () => {
    const response = await lost([])
    expect(valuesOf(response.fields, 'content-type')).toEqual(['text/plain; charset=utf-8'])
    expect(valuesOf(response.fields, 'cache-control')).toEqual(['no-store'])
    expect(response.body).toMatch(/^502 Bad Gateway\n.+\n/)
  })

  test('leave the connection open for the next request', async () => {
    pair.blue.serve = ({ method }) => (method === 'POST' ? reset : whole(200, 'by blue'))
    const client = await pair.connect()
    await client.send(requestText({ method: 'POST', body: 'one tea' }) + requestText({}))
    const [first, second] = await client.responses(2, ['POST', 'GET'])
    expect([first?.status, second?.body]).toEqual([502, 'by blue'])
  })
})

describe('stop', () => {
  test('answers what is in flight with Connection: close, closes idle connections and accepts no more', async () => {
    const gate = new Gate()
    pair.blue.serve = (request, connection) =>
      ({ ...(named('blue')(request, connection) as object), before: gate.opened }) as never
    const idle = await pair.connect()
    const busy = await pair.connect()
    await busy.send(requestText({ method: 'POST', body: 'one tea' }))
    await pair.blue.untilArrived(1)
    const stopped = pair.proxy.understudy.stop()
    expect(await idle.closed()).toBe('end')
    await expect(RawClient.connect(pair.proxy.port)).rejects.toThrow('ECONNREFUSED')
    gate.open()
    const response = await busy.response('POST')
    expect([response.status, response.body]).toEqual([200, 'by blue'])
    expect(valuesOf(response.fields, 'connection')).toEqual(['close'])
    expect(await busy.closed()).toBe('end')
    await stopped
  })

  test('an upstream’s Connection: close is between us and it: the client’s connection stays', async () => {
    pair.blue.serve = () => ({ ...whole(200, 'by blue', ['Connection: close']), after: 'end' })
    const client = await pair.connect()
    for (let count = 0; count < 3; count++) {
      client.forget()
      await client.send(requestText({}))
      const response = await client.response()
      expect([response.body, valuesOf(response.fields, 'connection')]).toEqual(['by blue', []])
    }
    expect(client.ending).toBe('open')
    expect([...pair.blue.seen]).toHaveLength(3)
  })
})
