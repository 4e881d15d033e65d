import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ERRORS } from '../../../src/admin/errors.ts'
import { SHARED } from '../../../src/admin/schemas.ts'
import type { TestApi } from './support.ts'
import { testApi } from './support.ts'

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.close())

const ENDPOINTS = async () => (await api.get('/')).body.endpoints as readonly string[]

describe('asking', () => {
  it('shows every pool and upstream at /upstreams, indented', async () => {
    const { status, text, body } = await api.get('/upstreams')
    expect(status).toBe(200)
    expect(text).toContain('\n  "pools": [\n')
    expect(body).toMatchObject({
      pools: [
        { pool: 'shop', active: 'blue', upstreams: [{ name: 'blue', url: 'http://blue.internal' }, { name: 'green' }] },
      ],
    })
  })

  it('shows one pool, all pools in short, and the explanation of one', async () => {
    expect((await api.get('/pools/shop')).body).toMatchObject({ pool: 'shop', upstreams: [{}, {}] })
    expect((await api.get('/pools')).body).toMatchObject({ pools: [{ pool: 'shop', active: 'blue' }] })
    expect((await api.get('/pools/shop/explain')).body).toMatchObject({
      decision: { cause: 'start' },
      notices: [{}, {}],
    })
  })

  it('does not know other pools, and names those there are', async () => {
    for (const url of ['/pools/nope', '/pools/nope/explain', '/events?pool=nope', '/pools/constructor']) {
      const { status, body } = await api.get(url)
      expect({ url, status, body }).toMatchObject({
        url,
        status: 404,
        body: { code: 'unknown_pool', hint: 'The pools are: shop.' },
      })
    }
  })

  it('passes metrics on as they are', async () => {
    const { headers, text } = await api.get('/metrics')
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toBe('understudy_epoch 1\n')
  })

  it('shows the configuration it was given', async () => {
    expect((await api.get('/config')).body).toEqual({ admin: { token: '[redacted]' } })
  })

  it('lives and is ready', async () => {
    expect((await api.get('/healthz')).body).toEqual({ status: 'ok' })
    expect((await api.get('/readyz')).body).toMatchObject({
      status: 'ready',
      listeners: [{ name: 'web', connections: 2 }],
    })
  })

  it('describes itself, without anything from other sites', async () => {
    const { body } = await api.get('/docs/json')
    expect(Object.keys(body.paths as object)).toContain('/pools/{pool}/switchover')
    const { text, headers } = await api.get('/docs')
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
    expect(String(headers['content-security-policy'])).toMatch(/^default-src 'self'(?!.*(https:|upgrade-insecure))/)
  })
})

describe('events', () => {
  it('come oldest first, the latest hundred', async () => {
    const { body } = await api.get('/events')
    expect(body).toMatchObject({ last: 2, events: [{ id: 1, pool: 'shop' }, { id: 2 }] })
  })

  it('can be followed without missing one: the first ones after an id', async () => {
    await api.post('/pools/shop/pause')
    expect((await api.get('/events?since=1&limit=1')).body).toMatchObject({ last: 3, events: [{ id: 2 }] })
    expect((await api.get('/events?limit=1')).body).toMatchObject({ events: [{ id: 3 }] })
    expect((await api.get('/events?since=3')).body).toMatchObject({ last: 3, events: [] })
  })

  it.each(['since=-1', 'since=x', 'limit=0', 'sinse=1', 'limit=99999'])('refuses ?%s', async (query) => {
    expect(await api.get(`/events?${query}`)).toMatchObject({ status: 400, body: { code: 'request_invalid' } })
  })

  it('are not streamed in this version', async () => {
    const answer = await api.get('/events', { accept: 'text/event-stream' })
    expect(answer).toMatchObject({ status: 406, body: { code: 'event_stream_not_available' } })
  })
})

describe('what is not there', () => {
  it('is said with all that is', async () => {
    const { status, body } = await api.get('/nope')
    expect(status).toBe(404)
    expect(body).toMatchObject({ code: 'not_found', hint: expect.stringContaining('GET /upstreams') })
  })

  it('is told from what has another method', async () => {
    const { status, headers, body } = await api.get('/pools/shop/pause')
    expect({ status, allow: headers.allow, body }).toMatchObject({
      status: 405,
      allow: 'POST',
      body: { code: 'method_not_allowed' },
    })
    expect(await api.post('/upstreams')).toMatchObject({ status: 405, headers: { allow: 'GET' } })
  })

  it('answers to an undecodable path in the same form', async () => {
    expect(await api.get('/%zz')).toMatchObject({ status: 400, body: { code: 'request_invalid' } })
  })

  it('is honest about reload', async () => {
    expect(await api.post('/reload')).toMatchObject({ status: 501, body: { code: 'reload_not_available' } })
  })
})

describe('one who may not ask', () => {
  it('is refused by Host and by Origin before anything happens', async () => {
    const rebinding = await api.post('/pools/shop/pause', undefined, { host: 'evil.example' })
    expect(rebinding).toMatchObject({ status: 403, body: { code: 'host_not_allowed' } })
    const foreign = await api.post('/pools/shop/pause', undefined, { origin: 'http://evil.example' })
    expect(foreign).toMatchObject({ status: 403, body: { code: 'origin_not_allowed' } })
    expect(api.simulated.pool.state.automation).toBe('on')
  })

  it('needs the token everywhere but at /healthz', async () => {
    const locked = await testApi({ token: '0123456789abcdef' })
    for (const line of await ENDPOINTS()) {
      const [method = '', path = ''] = line.split(/[ ]|: /)
      const url = path.replace(':pool', 'shop').replace(':upstream', 'green')
      const { status, headers } = method === 'GET' ? await locked.get(url) : await locked.post(url)
      expect({ url, status }).toEqual({ url, status: url === '/healthz' ? 200 : 401 })
      if (status === 401) expect(headers['www-authenticate']).toMatch(/^Bearer/)
    }
    for (const url of ['/', '/docs', '/docs/json', '/nope'])
      expect(await locked.get(url)).toMatchObject({ status: 401 })
    const authorization = 'Bearer 0123456789abcdef'
    expect(await locked.post('/pools/shop/pause', undefined, { authorization })).toMatchObject({ status: 200 })
    await locked.close()
  })

  it('learns nothing of what went wrong inside', async () => {
    const seen: Error[] = []
    const metrics = {
      contentType: 'text/plain',
      text: async () => {
        throw new Error('secret')
      },
    }
    const broken = await testApi({ metrics, onError: (error) => seen.push(error) })
    const { status, body, text } = await broken.get('/metrics')
    expect({ status, body }).toMatchObject({ status: 500, body: { code: 'internal' } })
    expect(text).not.toContain('secret')
    expect(seen).toMatchObject([{ message: 'secret' }])
    await broken.close()
  })

  it('is told that it is not ready yet', async () => {
    const early = await testApi({ ready: () => false })
    expect(await early.get('/readyz')).toMatchObject({ status: 503, body: { code: 'not_ready' } })
    await early.close()
  })
})

describe('documentation', () => {
  const page = readFileSync(new URL('../../../docs/admin-api.md', import.meta.url), 'utf8')

  it('mentions every endpoint', async () => {
    for (const line of await ENDPOINTS()) expect(page).toContain(`\`${line.split(': ')[0]}\``)
  })

  it('mentions every error code', () => {
    for (const code of Object.keys(ERRORS)) expect(page).toContain(`\`${code}\``)
  })

  it.each([
    ['Pool', '/pools/shop', []],
    ['Explanation', '/pools/shop/explain', []],
    ['Upstream', '/pools/shop', ['upstreams', '0']],
    ['PoolSummary', '/pools', ['pools', '0']],
  ] as const)('describes every field of %s', async (name, url, path) => {
    const schema = SHARED.find(({ $id }) => $id === name) as { properties: object }
    const { body } = await api.get(url)
    const found = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], body)
    expect(Object.keys(schema.properties)).toEqual(Object.keys(found as object))
  })
})
