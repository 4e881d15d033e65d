// The replay table of the design, end to end: what a client gets when its request meets each kind of failure, and how
// often the request reached an upstream.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from '../../support/recording-upstream.ts'
import type { StrictResponse } from '../../support/strict-http.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { halfHead, largeCut, reset, smallCut, whole } from './support/answers.ts'
import { Pair, requestText } from './support/pair.ts'
import { passed } from './support/until.ts'

let pair: Pair
beforeEach(async () => {
  pair = await Pair.start()
})
afterEach(() => pair.stop())

const METHODS = ['GET', 'PUT', 'DELETE', 'POST'] as const
type Method = (typeof METHODS)[number]
/** `green`: the standby's answer. Otherwise the status that the client sees. */
type Outcome = 'green' | number

const ask = (method: Method): Promise<StrictResponse> => {
  return pair.ask({ method, target: '/orders', body: method === 'GET' ? '' : 'one tea' })
}

const errorOf = ({ fields }: StrictResponse): string => valuesOf(fields, 'understudy-error')[0] ?? ''

async function meets(method: Method, failure: Answer, outcome: Outcome): Promise<StrictResponse> {
  pair.blue.serve = () => failure
  const response = await ask(method)
  expect(pair.blue.seen).toEqual([`${method} /orders`])
  expect(pair.green.seen).toEqual(outcome === 'green' ? [`${method} /orders`] : [])
  expect(response.status).toBe(outcome === 'green' ? 200 : outcome)
  if (outcome === 'green') expect(response.body).toBe('by green')
  return response
}

describe('a request whose connection is refused', () => {
  test.each(METHODS)('%s was never sent, so it goes to the standby', async (method) => {
    await pair.blue.upstream.stop()
    const response = await ask(method)
    expect([response.status, response.body]).toEqual([200, 'by green'])
    expect(pair.green.seen).toEqual([`${method} /orders`])
    expect(pair.green.arrived[0]?.body).toBe(method === 'GET' ? '' : 'one tea')
  })
})

describe('a fresh connection that is reset before the head of an answer', () => {
  test.each(['GET', 'PUT', 'DELETE'] as const)('%s is sent again to the standby', async (method) => {
    await meets(method, reset, 'green')
  })

  test('POST may have been executed: 502, and the standby never sees it', async () => {
    expect(errorOf(await meets('POST', reset, 502))).toBe('upstream_broke')
  })
})

describe('a reused connection that is reset before the head of an answer (the keep-alive race)', () => {
  async function race(method: Method): Promise<StrictResponse> {
    pair.blue.serve = (_, connection) => (connection.requests.length === 2 ? reset : whole(200, 'by blue'))
    expect((await pair.ask({ target: '/first' })).status).toBe(200)
    return ask(method)
  }

  test.each(['GET', 'PUT', 'DELETE'] as const)('%s goes to the same upstream on a fresh socket', async (method) => {
    const response = await race(method)
    expect([response.status, response.body]).toEqual([200, 'by blue'])
    expect(pair.blue.seen).toEqual(['GET /first', `${method} /orders`, `${method} /orders`])
    expect(pair.green.seen).toEqual([])
    expect((await pair.view()).epoch).toBe(1)
  })

  test('POST may have been executed: 502, and nobody else sees it', async () => {
    expect(errorOf(await race('POST'))).toBe('upstream_broke')
    expect(pair.blue.seen).toEqual(['GET /first', 'POST /orders'])
    expect(pair.green.seen).toEqual([])
  })

  test('a POST on a connection that was idle for longer than a second takes a fresh one, so it meets no race', async () => {
    pair.blue.serve = (_, connection) => (connection.requests.length === 2 ? reset : whole(200, 'by blue'))
    await pair.ask({ target: '/first' })
    await passed(1_050)
    expect((await ask('POST')).body).toBe('by blue')
    expect(pair.blue.seen).toEqual(['GET /first', 'POST /orders'])
  })
})

describe('an answer that is closed after half its head', () => {
  test.each(['GET', 'PUT', 'DELETE'] as const)('%s is sent again to the standby', async (method) => {
    await meets(method, halfHead, 'green')
  })

  test('POST gets 502', async () => {
    expect(errorOf(await meets('POST', halfHead, 502))).toBe('upstream_broke')
  })
})

describe('a small answer that is cut', () => {
  test('GET: nothing of it had been passed on, so the standby answers instead', async () => {
    await meets('GET', smallCut, 'green')
  })

  test.each(['PUT', 'DELETE', 'POST'] as const)(
    '%s was executed, so it gets 502 and is not repeated',
    async (method) => {
      expect(errorOf(await meets(method, smallCut, 502))).toBe('upstream_broke')
    },
  )
})

describe('a large answer that is cut', () => {
  test.each(METHODS)('%s: the client sees that it is cut, and is never sent anything else', async (method) => {
    pair.blue.serve = () => largeCut
    const client = await pair.connect()
    await client.send(requestText({ method, target: '/orders' }))
    expect(await client.closed()).toBe('reset')
    const { finals, rest } = client.read([method])
    expect([finals.length, rest]).toEqual([0, 'incomplete'])
    expect(client.text.slice(client.text.indexOf('\r\n\r\n') + 4)).toMatch(/^x*$/)
    expect(pair.green.seen).toEqual([])
  })
})

describe.each([502, 503, 504])('an answer of %i', (status) => {
  const own = whole(status, `blue says ${status}`, ['X-Reason: overloaded'])

  test.each(['GET', 'PUT', 'DELETE'] as const)('%s is sent again, once, to the standby', async (method) => {
    await meets(method, own, 'green')
  })

  test('POST may have been processed: the upstream’s own answer is passed on unchanged', async () => {
    const { body, fields } = await meets('POST', own, status)
    expect(body).toBe(`blue says ${status}`)
    expect(valuesOf(fields, 'x-reason')).toEqual(['overloaded'])
    expect(valuesOf(fields, 'understudy-error')).toEqual([])
  })
})

describe('an answer of 500', () => {
  const own = whole(500, 'blue has a bug')

  test('GET is sent again to the standby', async () => {
    await meets('GET', own, 'green')
  })

  test.each(['PUT', 'DELETE', 'POST'] as const)('%s gets the upstream’s own answer', async (method) => {
    expect((await meets(method, own, 500)).body).toBe('blue has a bug')
  })

  test('when one path always fails, a tenth of the traffic is sent again after a burst of 50, and the rest passes through', async () => {
    pair.blue.serve = () => own
    const client = await pair.connect()
    const bodies: string[] = []
    for (let count = 0; count < 80; count++) {
      client.forget()
      await client.send(requestText({ target: '/orders' }))
      bodies.push((await client.response()).body)
    }
    const rescued = bodies.filter((body) => body === 'by green').length
    expect(rescued).toBeGreaterThanOrEqual(50)
    expect(rescued).toBeLessThanOrEqual(58)
    expect(bodies.filter((body) => body === 'blue has a bug')).toHaveLength(80 - rescued)
    expect((await pair.view()).epoch).toBe(1)
  })
})

describe('both upstreams fail the same request', () => {
  test('both answer 503: the client gets the second’s own', async () => {
    pair.blue.serve = () => whole(503, 'blue is busy')
    pair.green.serve = () => whole(503, 'green is busy')
    const response = await ask('GET')
    expect([response.status, response.body]).toEqual([503, 'green is busy'])
    expect([pair.blue.seen, pair.green.seen]).toEqual([['GET /orders'], ['GET /orders']])
  })

  test('both reset: one replay is all there is, then 502', async () => {
    pair.blue.serve = () => reset
    pair.green.serve = () => reset
    expect(errorOf(await ask('GET'))).toBe('upstream_broke')
    expect([pair.blue.seen, pair.green.seen]).toEqual([['GET /orders'], ['GET /orders']])
  })

  test('the second is not blamed for a request that broke the first: the pool stays where it is', async () => {
    pair.blue.serve = () => reset
    pair.green.serve = () => reset
    for (let count = 0; count < 8; count++) await ask('GET')
    expect(await pair.metric('upstream_failures_total', 'upstream="green"')).toBe(0)
    expect((await pair.view()).upstreams.map(({ ejection }) => ejection)).toEqual([null, null])
  })
})
