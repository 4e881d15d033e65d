import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { green } from '../../support/simulated-pool.ts'
import type { TestApi } from './support.ts'
import { testApi } from './support.ts'

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.close())

const JSON_TYPE = { 'content-type': 'application/json' }
const decision = () => api.simulated.pool.state.decision

describe('every command', () => {
  it.each([
    ['/pools/shop/switchover', { active: 'green', epoch: 2 }],
    ['/pools/shop/pause', { automation: 'paused', epoch: 1 }],
    ['/pools/shop/upstreams/green/drain', { active: 'blue', upstreams: [{}, { admin: 'draining' }] }],
    ['/pools/shop/upstreams/green/disable', { upstreams: [{}, { admin: 'disabled' }] }],
    ['/pools/shop/upstreams/blue/disable', { active: 'green', epoch: 2, upstreams: [{ admin: 'disabled' }, {}] }],
  ])('POST %s answers with the resulting state', async (url, expected) => {
    expect(await api.post(url)).toMatchObject({ status: 200, body: { changed: true, pool: 'shop', ...expected } })
  })

  it.each([['/pools/shop/failback'], ['/pools/shop/resume'], ['/pools/shop/upstreams/green/enable']])(
    'POST %s changes nothing when it is so already',
    async (url) => {
      expect(await api.post(url)).toMatchObject({ status: 200, body: { changed: false, epoch: 1 } })
    },
  )

  it('is idempotent', async () => {
    const body = { to: 'green' }
    expect((await api.post('/pools/shop/switchover', body)).body).toMatchObject({ changed: true, epoch: 2 })
    expect((await api.post('/pools/shop/switchover', body)).body).toMatchObject({ changed: false, epoch: 2 })
    expect((await api.post('/pools/shop/failback')).body).toMatchObject({ changed: true, active: 'blue', epoch: 3 })
  })

  it('is recorded with who asked and why', async () => {
    await api.post('/pools/shop/switchover', { why: 'release 42', by: 'anna' })
    expect(decision()).toMatchObject({ by: 'anna', reason: 'release 42', to: 'green' })
  })

  it('is recorded with the address when nobody says who asks', async () => {
    await api.post('/pools/shop/switchover')
    expect(decision()).toMatchObject({ by: 'admin API from 127.0.0.1' })
  })
})

describe('a refusal', () => {
  it('is a conflict that says why and what to do', async () => {
    const { status, body } = await api.post('/pools/shop/failover')
    expect(status).toBe(409)
    expect(body).toMatchObject({
      code: 'active_is_fit',
      message: expect.any(String),
      hint: expect.stringContaining('force'),
    })
  })

  it('leaves everything as it was', async () => {
    api.simulated.green = 'refuses'
    api.simulated.clock.advance(2_000)
    expect(await api.post('/pools/shop/switchover')).toMatchObject({ status: 409, body: { code: 'no_candidate' } })
    expect(await api.post('/pools/shop/switchover', { to: 'green' })).toMatchObject({
      status: 409,
      body: { code: 'not_eligible' },
    })
    expect(await api.post('/pools/shop/upstreams/blue/drain')).toMatchObject({ status: 409 })
    expect(api.simulated.pool.state.epoch).toBe(1)
  })

  it('gives way to force', async () => {
    expect(await api.post('/pools/shop/failover', { force: true })).toMatchObject({
      status: 200,
      body: { active: 'green' },
    })
    expect(api.simulated.active).toBe(green)
  })

  it('names what is unknown', async () => {
    expect(await api.post('/pools/nope/pause')).toMatchObject({ status: 404, body: { code: 'unknown_pool' } })
    for (const url of ['/pools/shop/upstreams/nope/drain', '/pools/shop/upstreams/nope/enable']) {
      expect(await api.post(url)).toMatchObject({ status: 404, body: { code: 'unknown_upstream' } })
    }
    expect(await api.post('/pools/shop/switchover', { to: 'nope' })).toMatchObject({ status: 404 })
  })
})

describe('a body', () => {
  it('may be missing or empty', async () => {
    expect(await api.post('/pools/shop/pause')).toMatchObject({ status: 200 })
    expect(await api.post('/pools/shop/resume', '', JSON_TYPE)).toMatchObject({ status: 200 })
    expect(await api.post('/pools/shop/pause', {}, JSON_TYPE)).toMatchObject({ status: 200 })
  })

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x'])(
    'is not %s, which a page of another site can send',
    async (type) => {
      const answer = await api.post('/pools/shop/pause', '{"why":"x"}', { 'content-type': type })
      expect(answer).toMatchObject({
        status: 415,
        body: { code: 'body_not_json', hint: expect.stringContaining('application/json') },
      })
      expect(api.simulated.pool.state.automation).toBe('on')
    },
  )

  it.each([
    ['no JSON', '{"why"'],
    ['a misspelt field', '{"frce":true}'],
    ['a field of another command', '{"to":"green"}'],
    ['text for a flag', '{"force":"true"}'],
    ['a list', '[]'],
    ['a prototype', '{"__proto__":{"force":true}}'],
    ['what could steer a terminal', '{"by":"\\u001b[2J"}'],
    ['a novel', JSON.stringify({ why: 'x'.repeat(201) })],
  ])('is refused with %s', async (_, payload) => {
    const answer = await api.post('/pools/shop/failover', payload, JSON_TYPE)
    expect(answer).toMatchObject({ status: 400, body: { code: 'request_invalid' } })
    expect(api.simulated.pool.state.epoch).toBe(1)
  })

  it('names the field that does not belong there', async () => {
    const { body } = await api.post('/pools/shop/failover', { frce: true })
    expect(body.message).toContain('"frce"')
  })

  it('is small', async () => {
    const answer = await api.post('/pools/shop/pause', JSON.stringify({ why: 'x'.repeat(5_000) }), JSON_TYPE)
    expect(answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
  })
})
