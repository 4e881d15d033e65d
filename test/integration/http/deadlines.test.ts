// Deadlines toward the upstreams. They are looked at every 100 ms, so a test asks only what happened, not when exactly.
import { afterEach, describe, expect, test } from 'vitest'
import { startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { getJson, getText } from './support/admin.ts'
import { Gate, named, whole } from './support/answers.ts'
import { DeafPort } from './support/deaf-port.ts'
import { Pair, requestText } from './support/pair.ts'
import { passed, until } from './support/until.ts'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const start = async (timeouts: object): Promise<Pair> => {
  const pair = await Pair.start({ pool: { timeouts } })
  ending.push(() => pair.stop())
  return pair
}

describe('no head within timeouts.responseHead', () => {
  test('GET is sent again to the standby', async () => {
    const pair = await start({ responseHead: '200ms' })
    pair.blue.serve = () => null
    expect((await pair.ask()).body).toBe('by green')
  })

  test.each(['POST', 'PUT'])('%s may still be executed: 504, and the standby never sees it', async (method) => {
    const pair = await start({ responseHead: '200ms' })
    pair.blue.serve = () => null
    const response = await pair.ask({ method, body: 'one tea' })
    expect(response.status).toBe(504)
    expect(valuesOf(response.fields, 'understudy-error')).toEqual(['upstream_timeout'])
    expect(pair.green.seen).toEqual([])
  })

  test('the clock starts when the whole request was sent: a slow upload is no slow answer', async () => {
    const pair = await start({ responseHead: '300ms' })
    const text = requestText({ method: 'POST', body: 'one tea' })
    const client = await pair.connect()
    await client.send(text.slice(0, -3))
    await passed(600)
    await client.send(text.slice(-3))
    expect((await client.response('POST')).body).toBe('by blue')
  })

  test('an answer that has begun may take its time', async () => {
    const pair = await start({ responseHead: '200ms' })
    const gate = new Gate()
    const body = 'x'.repeat(100_000)
    pair.blue.serve = (_, { socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 70_000)}`)
      return { bytes: body.slice(70_000), before: gate.opened }
    }
    const asked = pair.ask()
    await pair.blue.untilArrived(1)
    await passed(500)
    gate.open()
    expect((await asked).body === body).toBe(true)
  })
})

/** A POST to an upstream whose kernel answers no SYN for now. */
async function askInVain(poolOverrides: object, skip: (why: string) => void) {
  const deaf = await DeafPort.start()
  const proxy = await startProxy({ upstreams: [{ name: 'blue', port: deaf.port }], poolOverrides })
  ending.push(
    () => deaf.stop(),
    () => proxy.stop(),
  )
  if (!(await deaf.goDeaf())) skip('this kernel goes on accepting although the queue is full')
  const client = await RawClient.connect(proxy.port)
  ending.push(async () => client.destroy())
  await client.send(requestText({ method: 'POST', body: 'one tea' }))
  return { deaf, proxy, client }
}

describe('timeouts.request, the deadline of all attempts together', () => {
  test('ends a request that two upstreams leave waiting, once', async () => {
    const pair = await start({ connect: '100ms', responseHead: '300ms', request: '500ms' })
    pair.blue.serve = () => null
    pair.green.serve = () => null
    const response = await pair.ask()
    expect(response.status).toBe(504)
    expect(valuesOf(response.fields, 'understudy-error')).toEqual(['upstream_timeout'])
    expect([pair.blue.seen, pair.green.seen]).toEqual([['GET /'], ['GET /']])
  })

  test('leaves no time for a replay once it has passed', async () => {
    const pair = await start({ connect: '100ms', responseHead: '10s', request: '300ms' })
    pair.blue.serve = () => null
    expect((await pair.ask()).status).toBe(504)
    expect(pair.green.seen).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('no connection within timeouts.connect', () => {
  test('was never sent, so GET and POST alike go to the standby', async ({ skip }) => {
    const deaf = await DeafPort.start()
    const green = await RecordingUpstream.start(named('green'))
    const proxy = await startProxy({
      upstreams: [
        { name: 'blue', port: deaf.port },
        { name: 'green', port: green.port },
      ],
      probe: true,
      // So that it is the deadline that acts, and nothing else.
      poolOverrides: { timeouts: { connect: '150ms' }, detect: { hangAfter: '5s' }, probe: { unhealthy: 100 } },
    })
    ending.push(
      () => deaf.stop(),
      () => green.stop(),
      () => proxy.stop(),
    )
    const metrics = () => getText(proxy.adminPort, '/metrics')
    const ready = async () => ((await metrics()).match(/upstream_health\S* 1\n/g)?.length === 2 ? true : undefined)
    await until(ready, { what: 'both to be found healthy' })
    if (!(await deaf.goDeaf())) skip('this kernel goes on accepting although the queue is full')
    for (const method of ['GET', 'POST']) {
      const client = await RawClient.connect(proxy.port)
      ending.push(async () => client.destroy())
      await client.send(requestText({ method, body: method === 'POST' ? 'one tea' : '' }))
      expect((await client.response(method)).body).toBe('by green')
    }
    expect(await metrics()).toMatch(/upstream_failures_total\{pool="shop",upstream="blue",kind="timeout"\} 2/)
    expect(await getJson(proxy.adminPort, '/pools/shop')).toMatchObject({ active: 'blue', epoch: 1 })
  })
})

describe.runIf(process.platform === 'linux')('no connection, and nowhere else to go', () => {
  test('is worth another try: both SYNs may have been lost', async ({ skip }) => {
    const { deaf, proxy, client } = await askInVain({ timeouts: { connect: '200ms' } }, skip)
    const givenUp = async () =>
      /upstream_failures_total\S*"blue"\S*"timeout"\S* 1/.test(await getText(proxy.adminPort, '/metrics')) || undefined
    await until(givenUp, { what: 'the connect to be given up' })
    deaf.hear()
    expect((await client.response('POST')).status).toBe(200)
  })

  test('is no failure when the second SYN gets through: nobody notices that the first was lost', async ({ skip }) => {
    const { deaf, proxy, client } = await askInVain({}, skip)
    const underWay = async () =>
      /in_flight\S*"blue"\S* 1/.test(await getText(proxy.adminPort, '/metrics')) ? true : undefined
    await until(underWay, { what: 'the SYN that is lost' })
    deaf.hear()
    expect((await client.response('POST')).status).toBe(200)
    expect(await getText(proxy.adminPort, '/metrics')).not.toMatch(/upstream_failures_total\S*"blue"\S* [1-9]/)
  })
})

test('a deadline is no reason to leave: the primary answers its probes and stays active', async () => {
  const pair = await start({ responseHead: '200ms' })
  pair.blue.serve = ({ target }) => (target === '/slow' ? null : whole(200, 'by blue'))
  const answers = await Promise.all(Array.from({ length: 10 }, () => pair.ask({ target: '/slow' })))
  expect(answers.map(({ body }) => body)).toEqual(new Array(10).fill('by green'))
  expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1 })
  expect((await pair.ask()).body).toBe('by blue')
})
