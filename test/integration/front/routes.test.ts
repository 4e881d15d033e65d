// Which requests a listener answers itself, and what becomes of all others.
import { afterEach, describe, expect, test } from 'vitest'
import { type Proxy as RunningProxy, startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import { type StrictResponse, valuesOf } from '../../support/strict-http.ts'

let upstream: RecordingUpstream
let proxy: RunningProxy
const clients: RawClient[] = []

async function begin(routes: readonly object[]): Promise<void> {
  upstream = await RecordingUpstream.start()
  proxy = await startProxy({
    upstreams: [{ name: 'blue', port: upstream.port }],
    poolOverrides: { failover: { mode: 'manual' } },
    listenerOverrides: { front: { routes } },
  })
}
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

async function ask(line: string, ...fields: string[]): Promise<StrictResponse> {
  const client = await connect()
  await client.send(`${[`${line} HTTP/1.1`, 'Host: shop.test', ...fields].join('\r\n')}\r\n\r\n`)
  return client.response(line.split(' ')[0])
}

const says = (body: string, more: object = {}) => ({ respond: { body, ...more } })

test('an exact path comes before a prefix, a longer prefix before a shorter one', async () => {
  await begin([
    { path: '/*', ...says('all') },
    { path: '/a/*', ...says('below a') },
    { path: '/a/b/*', ...says('below b') },
    { path: '/a/b', ...says('b') },
    { path: '/', ...says('root') },
  ])
  const paths = ['/', '/?x', '/x', '/a', '/a/', '/a/x', '/a/b', '/a/b?c', '/a/b/', '/a/b/c', '/A/b', '/%61/b', '/a/%zz']
  const bodies = await Promise.all(paths.map(async (path) => (await ask(`GET ${path}`)).body))
  expect(bodies.slice(0, -1)).toEqual([
    'root',
    'root',
    'all',
    'all',
    'below a',
    'below a',
    'b',
    'b',
    'below b',
    'below b',
    'all',
    'b',
  ])
  // It cannot be decoded, so it is no path of ours.
  expect(upstream.arrived.map(({ target }) => target)).toEqual(['/a/%zz'])
})

test('methods that a route does not name go to the pool, whatever they are', async () => {
  await begin([
    { path: '/a', methods: ['GET'], ...says('mine') },
    { path: '/*', methods: ['POST', 'PURGE'], ...says('all') },
  ])
  expect((await ask('GET /a')).body).toBe('mine')
  expect((await ask('POST /b')).body).toBe('all')
  expect((await ask('PURGE /a')).body).toBe('all')
  for (const line of ['HEAD /a', 'PROPFIND /a', 'GET /b', 'QUERY /b', 'TRACE /c', 'OPTIONS *']) await ask(line)
  expect(upstream.arrived.map(({ method, target }) => `${method} ${target}`)).toEqual([
    'HEAD /a',
    'PROPFIND /a',
    'GET /b',
    'QUERY /b',
    'TRACE /c',
    'OPTIONS *',
  ])
})

describe('an answer of the listener itself', () => {
  test('has the status, the type and the length of what it says', async () => {
    await begin([
      { path: '/a', ...says('caf\u00e9', { status: 404, type: 'text/html; charset=utf-8' }) },
      { path: '/none', respond: { status: 204 } },
    ])
    const { status, fields, body } = await ask('GET /a')
    expect([status, Buffer.from(body, 'latin1').toString()]).toEqual([404, 'caf\u00e9'])
    expect(valuesOf(fields, 'content-type')).toEqual(['text/html; charset=utf-8'])
    expect(valuesOf(fields, 'content-length')).toEqual(['5'])
    expect(await ask('HEAD /a')).toMatchObject({ status: 404, body: '' })
    const none = await ask('GET /none')
    expect([none.status, none.body, valuesOf(none.fields, 'content-length')]).toEqual([204, '', []])
  })

  test.each([
    ['of a type that nobody knows', 'POST /a', ['Content-Type: odd', 'Content-Length: 3'], 'odd'],
    ['that is no JSON', 'POST /a', ['Content-Type: application/json', 'Content-Length: 2'], '{"'],
    ['in chunks', 'PUT /a', ['Transfer-Encoding: chunked'], '3\r\nodd\r\n0\r\n\r\n'],
    ['of a QUERY', 'QUERY /a', ['Content-Length: 3'], 'all'],
  ])('does not depend on a body %s, and ends the connection', async (_, line, fields, body) => {
    await begin([{ path: '/a', ...says('mine') }])
    const client = await connect()
    await client.send(`${[`${line} HTTP/1.1`, 'Host: a', ...fields].join('\r\n')}\r\n\r\n${body}`)
    expect(await client.response(line.split(' ')[0])).toMatchObject({ status: 200, body: 'mine' })
    expect(await client.closed()).toBe('end')
  })

  test('reaches a client that is still sending', async () => {
    await begin([{ path: '/a', redirect: { to: '/b', status: 307 } }])
    const client = await connect()
    await client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n')
    for (let sent = 0; sent < 20; sent++) client.socket.write(Buffer.alloc(100_000))
    const { status, fields } = await client.response('POST')
    expect([status, valuesOf(fields, 'location')]).toEqual([307, ['/b']])
    expect(await client.closed()).toBe('end')
  })
})

describe('a path', () => {
  test('is rewritten exactly, or from its prefix on', async () => {
    await begin([
      { path: '/old/*', pool: 'shop', rewrite: '/v1/' },
      { path: '/one', pool: 'shop', rewrite: '/two/' },
    ])
    for (const path of ['/old/', '/old/a//b?c', '/one', '/one?d', '/old', 'http://shop.test/old/x'])
      await ask(`GET ${path}`)
    expect(upstream.arrived.map(({ target }) => target)).toEqual([
      '/v1/',
      '/v1/a//b?c',
      '/two/',
      '/two/?d',
      '/old',
      '/v1/x',
    ])
    expect(await ask('GET /%6fld/a')).toMatchObject({ status: 400 })
  })

  test.each(['/public/../private/x', '/x/%2e%2e/private/x', '/%zz/../private/x'])(
    '%s does not lead past a route for another',
    async (path) => {
      await begin([{ path: '/private/*', ...says('no', { status: 403 }) }])
      expect(await ask('GET /private/x')).toMatchObject({ status: 403 })
      expect(await ask(`GET ${path}`)).toMatchObject({ status: 400 })
      expect(upstream.arrived).toEqual([])
    },
  )

  test('in absolute form is the same path', async () => {
    await begin([
      { path: '/', ...says('root') },
      { path: '/a', ...says('mine') },
    ])
    expect((await ask('GET http://shop.test')).body).toBe('root')
    expect((await ask('GET http://shop.test/a')).body).toBe('mine')
    await ask('GET http://shop.test/b')
    expect(await ask('GET http://other.test/b')).toMatchObject({ status: 400 })
    expect(upstream.arrived.map(({ target }) => target)).toEqual(['/b'])
  })
})

test('an upgrade is an ordinary request to a route that answers it', async () => {
  await begin([{ path: '/a', ...says('mine') }])
  const client = await connect()
  await client.send('GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  expect(await client.response()).toMatchObject({ status: 200, body: 'mine' })
  expect(await client.closed()).toBe('end')
})
