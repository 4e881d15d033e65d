// TLS toward upstreams: HTTP/1.1 and HTTP/2 with an authority of one's own, certificates shown to them, and whom not to trust.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../../../bench/process/free-port.ts'
import { get } from '../support/understudy-process.ts'
import { Credentials, type PemFiles } from './support/credentials.ts'
import type { ProxyView } from './support/proxy-view.ts'
import { Stage } from './support/stage.ts'
import { TellingOrigin, type Told } from './support/telling-origin.ts'

let stage: Stage
let proxy: ProxyView
let foreign: TellingOrigin
const ports: Record<string, number> = {}

beforeAll(async () => {
  stage = new Stage()
  const upstreams = new Credentials(stage, 'upstreams')
  const proxies = new Credentials(stage, 'proxies')
  const mine = proxies.issue('proxy', { subject: [['CN', 'the proxy']], usage: 'client' })
  const names = { names: ['shop.internal'] }
  const start = async (name: string, pem: PemFiles, http2: boolean): Promise<TellingOrigin> => {
    const tls = {
      cert: readFileSync(pem.cert),
      key: readFileSync(pem.key),
      ca: proxies.authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
    }
    return stage.keep(await TellingOrigin.start({ name, tls, http2 }))
  }
  const whole = upstreams.issue('whole', names)
  foreign = await start('foreign', new Credentials(stage, 'others').issue('foreign', names), false)
  const misnamed = await start('misnamed', upstreams.issue('misnamed', { names: ['blog.internal'] }), false)
  const [blue, green] = [await start('blue', whole, false), await start('green', whole, false)]
  const [blue2, green2] = [await start('blue2', whole, true), await start('green2', whole, true)]
  const tls = { ca: upstreams.ca, serverName: 'shop.internal', ...mine }
  const upstream = (scheme: string) => (origin: TellingOrigin) => ({
    name: origin.name,
    url: `${scheme}://127.0.0.1:${origin.port}`,
    tls,
  })
  const pools = {
    https: { upstreams: [blue, green].map(upstream('https')) },
    h2: { upstreams: [blue2, green2].map(upstream('h2')) },
    careful: { upstreams: [foreign, misnamed, green].map(upstream('https')) },
  }
  const free = await freePorts(3)
  Object.keys(pools).forEach((pool, index) => {
    ports[pool] = free[index] ?? 0
  })
  const listeners = Object.fromEntries(
    Object.entries(ports).map(([pool, port]) => [pool, { listen: `127.0.0.1:${port}`, pool }]),
  )
  proxy = await stage.proxy({ listeners, pools }, { healthy: ['https', 'h2'] })
}, 30_000)
afterAll(() => stage.stop())

test.for([
  ['https', 'blue', '1.1'],
  ['h2', 'blue2', '2.0'],
] as const)('%s:// upstreams see the certificate of the proxy', async ([pool, origin, version]) => {
  const { status, text } = await get(ports[pool] ?? 0)
  const { fields: _, ...told } = JSON.parse(text) as Told
  expect([status, told]).toEqual([200, { origin, version, url: '/', peer: 'the proxy' }])
})

test('no request reaches an upstream with a certificate of another authority, or for another name', async () => {
  await proxy.untilPool(
    'the verdict on each',
    ({ upstreams }) => upstreams.map(({ health }) => health.status).join() === 'unhealthy,unhealthy,healthy',
    'careful',
  )
  const { status, text } = await get(ports.careful ?? 0)
  expect([status, (JSON.parse(text) as Told).origin]).toEqual([200, 'green'])
  expect(foreign.requests).toBe(0)
})
