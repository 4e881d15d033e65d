import { describe, expect, it } from 'vitest'
import { accepted, MINIMAL, problemsOf, shop } from './support.ts'

describe('the smallest configuration', () => {
  it('has every default filled in', () => {
    const config = accepted(MINIMAL)
    expect(config).toEqual({
      admin: { listen: { kind: 'tcp', host: '127.0.0.1', port: 9900, text: '127.0.0.1:9900' } },
      state: { dir: '.understudy' },
      log: { level: 'info', access: 'sampled' },
      workers: 1,
      alerts: [],
      listeners: {
        web: {
          protocol: 'http',
          listen: { kind: 'tcp', host: '0.0.0.0', port: 8080, text: '0.0.0.0:8080' },
          pool: 'shop',
          proxyProtocol: 'off',
          trustedProxies: [],
          http2: 'auto',
          front: { routes: [] },
          limits: {
            connections: 10_000,
            connectionsPerAddress: 0,
            handshakes: 1_000,
            handshakeTimeout: 10_000,
            streams: 100,
            headerBytes: 16_384,
            headerTimeout: 10_000,
            idleTimeout: 60_000,
          },
        },
      },
      pools: {
        shop: {
          kind: 'stateless',
          protocol: 'http',
          upstreams: [
            {
              name: 'blue',
              role: 'primary',
              url: { protocol: 'http', host: '10.0.0.1', port: 3000, text: 'http://10.0.0.1:3000' },
              proxyProtocol: 'off',
              resolve: 10_000,
            },
            {
              name: 'green',
              role: 'standby',
              url: { protocol: 'http', host: '10.0.0.2', port: 3000, text: 'http://10.0.0.2:3000' },
              proxyProtocol: 'off',
              resolve: 10_000,
            },
          ],
          probe: {
            type: 'http',
            path: '/',
            expect: [{ from: 100, to: 499 }],
            interval: 500,
            timeout: 250,
            healthy: 2,
            unhealthy: 2,
          },
          detect: { hangAfter: 400, widen: true, gray: 'switch', gateway5xx: 5, successRate: 0.5 },
          timeouts: { connect: 400, responseHead: 30_000, request: 60_000, upgradeIdle: 600_000 },
          replay: { body: 65_536, idempotencyKey: false, standbyReads: true, resume: false },
          hold: { requests: 1_000, bytes: 16_777_216, time: 2_000 },
          drain: { timeout: 30_000, upgrade: 300_000, spread: 2_000, failover: 'cut' },
          failover: { mode: 'automatic' },
          failback: { mode: 'automatic', after: 30_000, ramp: 0 },
        },
      },
    })
  })

  it('may name its schema, as editors of JSON want it', () => {
    expect(accepted(`${MINIMAL}$schema: ./schema.json\n`)).toEqual(accepted(MINIMAL))
  })

  it('may be JSON, indented with tabs', () => {
    const json = JSON.stringify(
      {
        listeners: { web: { listen: ':1', pool: 'p' } },
        pools: {
          p: {
            upstreams: [
              { name: 'a', url: 'http://a' },
              { name: 'b', url: 'http://b' },
            ],
          },
        },
      },
      null,
      '\t',
    )
    expect(accepted(json).pools.p?.upstreams.map(({ role }) => role)).toEqual(['primary', 'standby'])
  })
})

describe('defaults that depend on another key', () => {
  it('expects success from a probe that has a path', () => {
    expect(shop('probe: { path: /health }').probe).toMatchObject({ expect: [{ from: 200, to: 399 }] })
    expect(shop('probe: { path: /health, expect: "200,503" }').probe).toMatchObject({
      expect: [
        { from: 200, to: 200 },
        { from: 503, to: 503 },
      ],
    })
  })

  it('leaves failback of a single writer to the operator, and its standby without reads', () => {
    const pool = shop('kind: singleWriter')
    expect([pool.failback.mode, pool.replay.standbyReads]).toEqual(['manual', false])
  })

  it('lets the file say otherwise for a single writer', () => {
    const pool = shop('kind: singleWriter\nfailback: { mode: automatic }\nreplay: { standbyReads: true }')
    expect([pool.failback.mode, pool.replay.standbyReads]).toEqual(['automatic', true])
  })

  it('makes the others standbys when a later upstream is the primary', () => {
    const text = MINIMAL.replace('name: green,', 'name: green, role: primary,')
    expect(accepted(text).pools.shop?.upstreams.map(({ role }) => role)).toEqual(['standby', 'primary'])
  })

  it('verifies the certificate of an https upstream, and has no TLS settings for http', () => {
    const text = MINIMAL.replace('http://10.0.0.1:3000', 'https://a.internal')
    expect(accepted(text).pools.shop?.upstreams.map(({ tls }) => tls)).toEqual([{ verify: true }, undefined])
  })

  it('gives hooks ten seconds', () => {
    expect(shop('kind: singleWriter\nhooks: { promote: [/bin/promote, --now] }').hooks).toEqual({
      promote: ['/bin/promote', '--now'],
      timeout: 10_000,
    })
  })
})

describe('names', () => {
  it.each(['_x', '.x', '-x', '"a b"', '"a/b"', `x${'y'.repeat(63)}`])('refuses a pool called %s', (name) => {
    const text = MINIMAL.replace('  shop:', `  ${name}:`).replace('pool: shop', 'pool: other')
    expect(problemsOf(text)).toContainEqual(expect.stringMatching(/^u\.yaml:4:3 pools.* expected a name: /))
  })

  it('accepts letters, digits, dots, dashes and underscores', () => {
    const text = MINIMAL.replaceAll('shop', 'Shop-1_a.b')
    expect(Object.keys(accepted(text).pools)).toEqual(['Shop-1_a.b'])
  })

  it('does not take what every object inherits for a pool', () => {
    expect(problemsOf(MINIMAL.replace('pool: shop', 'pool: constructor'))).toEqual([
      'u.yaml:2:54 listeners.web.pool no pool is called `constructor`; there is `shop`',
    ])
  })

  it('does not silently skip a key called __proto__', () => {
    expect(problemsOf(`${MINIMAL}  __proto__: {}\n`)).toEqual(['u.yaml:8:3 pools.__proto__ is not a possible key'])
  })
})
