// Upstreams behind TLS: verified unless somebody says otherwise, and a certificate that fails is never talked to.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { PoolView } from '../../../src/admin/views.ts'
import { type Proxy as RunningProxy, startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { type StrictResponse, valuesOf } from '../../support/strict-http.ts'
import { getJson, getText } from './support/admin.ts'
import { requestText } from './support/pair.ts'
import { until } from './support/until.ts'

let server: Server
let folder: string
let requests = 0
const proxies: RunningProxy[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-tls-'))
  writeFileSync(join(folder, 'ca.pem'), certificate)
  server = createServer({ cert: certificate, key }, (request, response) => {
    if (request.url !== '/probe') requests += 1
    request.pipe(response)
  })
  server.on('tlsClientError', () => {})
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(async () => {
  requests = 0
  for (const proxy of proxies.splice(0)) await proxy.stop()
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((closed) => server.close(closed))
  rmSync(folder, { recursive: true, force: true })
})

async function proxyTo(host: string, tls: object): Promise<RunningProxy> {
  const { port } = server.address() as AddressInfo
  const proxy = await startProxy({
    upstreams: [{ name: 'blue', port, url: `https://${host}:${port}`, tls }],
    probe: true,
    poolOverrides: { hold: { time: '200ms' }, probe: { path: '/probe' } },
  })
  proxies.push(proxy)
  return proxy
}

async function post({ port }: RunningProxy): Promise<StrictResponse> {
  const client = await RawClient.connect(port)
  await client.send(requestText({ method: 'POST', body: 'one tea' }))
  try {
    return await client.response('POST')
  } finally {
    client.destroy()
  }
}

const view = (proxy: RunningProxy): Promise<PoolView> => getJson(proxy.adminPort, '/pools/shop')
const health = (proxy: RunningProxy, status: string) =>
  until(
    async () => {
      const [blue] = (await view(proxy)).upstreams
      return blue?.health.status === status ? blue.health.detail : undefined
    },
    { what: `blue to be ${status}` },
  )

test('a certificate signed by the authorities of tls.ca is accepted, by requests and probes alike', async () => {
  const proxy = await proxyTo('127.0.0.1', { ca: join(folder, 'ca.pem') })
  const response = await post(proxy)
  expect([response.status, response.body]).toEqual([200, 'one tea'])
  await health(proxy, 'healthy')
})

test('tls.serverName is the name that the certificate must have', async () => {
  const ca = join(folder, 'ca.pem')
  expect((await post(await proxyTo('127.0.0.1', { ca, serverName: 'understudy.test' }))).status).toBe(200)
  expect((await post(await proxyTo('127.0.0.1', { ca, serverName: 'other.test' }))).status).toBe(502)
})

test('an unknown authority is refused: 502 upstream_unreachable, the reason is on record, nothing was sent', async () => {
  const proxy = await proxyTo('127.0.0.1', {})
  const response = await post(proxy)
  expect(response.status).toBe(502)
  expect(valuesOf(response.fields, 'understudy-error')).toEqual(['upstream_unreachable'])
  expect(requests).toBe(0)
  const [blue] = (await view(proxy)).upstreams
  expect(blue?.lastOutcome?.what).toMatch(/self-signed certificate/)
  expect(await getText(proxy.adminPort, '/metrics')).toMatch(/upstream_failures_total\{[^}]*kind="tls"\} [1-9]/)
  expect(await health(proxy, 'unhealthy')).toMatch(/certificate/)
})

test('verify: false accepts it all the same', async () => {
  const proxy = await proxyTo('127.0.0.1', { verify: false })
  const response = await post(proxy)
  expect([response.status, response.body]).toEqual([200, 'one tea'])
  await health(proxy, 'healthy')
})

test('connections are reused: the second request needs no handshake', async () => {
  const proxy = await proxyTo('127.0.0.1', { ca: join(folder, 'ca.pem') })
  await post(proxy)
  await post(proxy)
  expect(await getText(proxy.adminPort, '/metrics')).toMatch(
    /upstream_connects_total\{pool="shop",upstream="blue"\} 1\n/,
  )
})
