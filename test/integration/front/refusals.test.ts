// What Node's parser stumbles over, or lets pass although no route should see it, on a listener with routes of its own.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Proxy as RunningProxy, startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { Gate, whole } from '../http/support/answers.ts'

const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`

let upstream: RecordingUpstream
let proxy: RunningProxy
const clients: RawClient[] = []

beforeEach(async () => {
  upstream = await RecordingUpstream.start()
  proxy = await startProxy({
    upstreams: [{ name: 'blue', port: upstream.port }],
    poolOverrides: { failover: { mode: 'manual' } },
    listenerOverrides: { front: { routes: [{ path: '/local', respond: { body: 'mine' } }] } },
  })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.stop()
  await upstream.stop()
})

async function connect(): Promise<RawClient> {
  const client = await RawClient.connect(proxy.port)
  clients.push(client)
  return client
}

describe('what cannot be understood', () => {
  test.each([
    ['a line that is none', 'nonsense\r\n\r\n', 400, 'bad_request'],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'head_too_large',
    ],
    ['no Host, for a route of its own', 'GET /local HTTP/1.1\r\n\r\n', 400, 'bad_request'],
    ['a version that is not ours', 'GET /local HTTP/2.0\r\nHost: a\r\n\r\n', 505, 'version_not_supported'],
    ['an expectation', 'GET /local HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n', 417, 'expectation_failed'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 501, 'not_implemented'],
  ])('is answered: %s', async (_, bytes, status, code) => {
    const client = await connect()
    await client.send(bytes)
    const answer = await client.response()
    expect([answer.status, valuesOf(answer.fields, 'understudy-error')]).toEqual([status, [code]])
    expect(answer.body).toContain(`Understudy-Error: ${code}`)
    expect(await client.closed()).toBe('end')
    expect(upstream.accepted).toBe(0)
  })

  test('is not answered before what came first', async () => {
    const gate = new Gate()
    upstream.script = ({ target }) => ({ ...whole(200, target), before: gate.opened })
    const client = await connect()
    await client.send(`${get('/1')}${get('/2')}nonsense\r\n\r\n`)
    await upstream.until(() => upstream.arrived.length === 1, 'the first')
    gate.open()
    const answers = await client.responses(3, ['GET', 'GET', 'GET'])
    expect(answers.map(({ status, body }) => [status, body.slice(0, 2)])).toEqual([
      [200, '/1'],
      [200, '/2'],
      [400, '40'],
    ])
    expect(await client.closed()).toBe('end')
  })

  test('of a body ends the request at its upstream', async () => {
    const client = await connect()
    await client.send('POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    const half = () => [...upstream.connections].filter(({ pending }) => pending.includes('abc'))
    await expect.poll(() => half().length).toBe(1)
    await client.send('nonsense\r\n')
    expect(await client.response('POST')).toMatchObject({ status: 400 })
    expect(await client.closed()).toBe('end')
    await expect.poll(() => half().every(({ ending }) => ending !== 'open')).toBe(true)
    expect(upstream.arrived).toEqual([])
  })

  test('of a body cuts off an answer that has begun', async () => {
    const client = await connect()
    await client.send('POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    await expect.poll(() => [...upstream.connections].some(({ pending }) => pending.includes('abc'))).toBe(true)
    for (const { socket } of upstream.connections) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\nhalf')
    await expect.poll(() => client.text).toContain('200 OK')
    await client.send('nonsense\r\n')
    expect(await client.closed()).toBe('reset')
  })
})
