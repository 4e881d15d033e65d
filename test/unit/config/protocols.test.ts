import { describe, expect, it } from 'vitest'
import type { PoolConfig } from '../../../src/config/schema.ts'
import { accepted, pair, problemsOf, warningsOf } from './support.ts'

const TCP = ['tcp://a:1', 'tcp://b:1']
const HTTP = ['http://a', 'http://b']

function poolOf(text: string): PoolConfig {
  const pool = accepted(text).pools.p
  if (pool === undefined) throw new Error('no pool `p`')
  return pool
}

describe('upstreams of a listener', () => {
  it.each([
    ['http', 'http://a', 'https://b'],
    ['http', 'h2://a', 'h2c://b'],
    ['http', 'unix:/a', 'http://b'],
    ['tcp', 'tcp://a:1', 'tls://b:1'],
    ['tcp', 'unix:/a', 'tcp://b:1'],
    ['tcp', 'unix:/a', 'unix:/b'],
  ])('of protocol %s may be %s and %s', (protocol, ...urls) => {
    expect(poolOf(pair(`protocol: ${protocol}`, urls)).protocol).toBe(protocol)
  })

  it.each(['http', 'https', 'h2', 'h2c'])('of protocol tcp are not %s://', (scheme) => {
    expect(problemsOf(pair('protocol: tcp', [`${scheme}://a`, 'tcp://b:1']))).toEqual([
      `u.yaml:6:26 pools.p.upstreams[0].url is ${scheme}://, but the listener \`l\` speaks tcp: write tcp://host:port, tls://host:port or unix:/path, or \`protocol: http\` there`,
    ])
  })

  it.each(['tcp', 'tls'])('of protocol http are not %s://', (scheme) => {
    expect(problemsOf(pair('protocol: http', ['http://a', `${scheme}://b:1`]))).toEqual([
      `u.yaml:7:26 pools.p.upstreams[1].url is ${scheme}://, but the listener \`l\` speaks http: write http://host:port, https://host:port, h2://host:port, h2c://host:port or unix:/path, or \`protocol: tcp\` there`,
    ])
  })

  it('have one protocol even when no listener uses the pool', () => {
    const idle = (one: string, other: string) =>
      `${pair('protocol: http', HTTP)}  idle: { upstreams: [{ name: a, url: ${one} }, { name: b, url: ${other} }] }\n`
    expect(problemsOf(idle('tcp://a:1', 'http://b'))).toEqual([
      'u.yaml:9:68 pools.idle.upstreams[1].url is http:// while `a` is tcp://; a pool has one protocol',
    ])
    expect(problemsOf(idle('unix:/a', 'h2://b'))).toEqual([])
    expect(accepted(idle('unix:/a', 'tls://b:1')).pools.idle?.protocol).toBe('tcp')
    expect(accepted(idle('unix:/a', 'unix:/b')).pools.idle?.protocol).toBe('http')
  })

  it('are of one listener protocol, also where both would understand them', () => {
    const text = pair('protocol: tcp', ['unix:/a', 'unix:/b'])
    const both = text.replace('pools:', '  web: { listen: ":8081", pool: p }\npools:')
    expect(problemsOf(both)).toEqual([
      'u.yaml:3:33 listeners.web.pool is served as tcp already (`listeners.l.pool`); a pool has one protocol: make another for http',
    ])
  })

  it('are not judged by a protocol that is wrong itself', () => {
    expect(problemsOf(pair('protocol: tpc', TCP, 'probe: { send: x }'))).toEqual([
      'u.yaml:2:51 listeners.l.protocol expected one of `http`, `tcp`; did you mean `tcp`?',
    ])
  })

  it('need a port when nothing else tells it', () => {
    for (const url of ['tcp://db', 'tls://db', '"tcp://[::1]"']) {
      expect(problemsOf(pair('protocol: tcp', [url, 'tcp://b:1']))).toEqual([
        'u.yaml:6:26 pools.p.upstreams[0].url needs a port, such as tcp://db.internal:5432 or tls://db.internal:5432',
      ])
    }
  })
})

describe('TLS toward an upstream', () => {
  it.each([
    ['http', 'https://a:1'],
    ['http', 'h2://a:1'],
    ['tcp', 'tls://a:1'],
  ])('of protocol %s is verified by default at %s', (protocol, url) => {
    expect(poolOf(pair(`protocol: ${protocol}`, [url, url.replace('a', 'b')])).upstreams[0]?.tls).toEqual({
      verify: true,
    })
  })

  it.each([
    ['http', 'h2c://a'],
    ['tcp', 'tcp://a:1'],
    ['tcp', 'unix:/a'],
  ])('of protocol %s has no settings at %s', (protocol, url) => {
    expect(problemsOf(pair(`protocol: ${protocol}`, [`${url}, tls: { ca: x }`, 'unix:/b']))).toEqual([
      expect.stringContaining('pools.p.upstreams[0].tls needs a `url` that begins with https://, h2:// or tls://'),
    ])
  })

  it('shows a certificate with its key', () => {
    const tls = (keys: string) => pair('protocol: http', [`https://a, tls: { ${keys} }`, 'https://b'])
    expect(poolOf(tls('cert: c.pem, key: k.pem')).upstreams[0]?.tls).toEqual({
      verify: true,
      cert: 'c.pem',
      key: 'k.pem',
    })
    expect(problemsOf(tls('cert: c.pem'))).toEqual([
      expect.stringContaining('tls.cert needs `key` beside it: a certificate is shown with its private key'),
    ])
    expect(problemsOf(tls('key: k.pem'))).toEqual([expect.stringContaining('tls.key needs `cert` beside it')])
  })
})

describe('how the name of an upstream is looked up', () => {
  const looked = (first: string) => poolOf(pair('protocol: tcp', [first, 'tcp://b:1'])).upstreams[0]?.resolve

  it.each([
    ['tcp://a:1', 10_000],
    ['tcp://a:1, resolve: 1s', 1_000],
    ['tcp://a:1, resolve: 1h', 3_600_000],
    ['tcp://a:1, resolve: ttl', 'ttl'],
  ])('%s', (url, resolve) => {
    expect(looked(url)).toBe(resolve)
  })

  it.each([
    ['0s', 'must be from 1s to 1h'],
    ['999ms', 'must be from 1s to 1h'],
    ['2h', 'must be from 1s to 1h'],
    ['TTL', 'expected ttl, or a duration with its unit, such as 1s, 10s or 5m'],
    ['10', 'expected ttl, or a duration with its unit, such as 1s, 10s or 5m'],
  ])('is not %s', (text, message) => {
    expect(problemsOf(pair('protocol: tcp', [`tcp://a:1, resolve: ${text}`, 'tcp://b:1']))).toEqual([
      `u.yaml:6:46 pools.p.upstreams[0].resolve ${message}`,
    ])
  })

  it.each(['tcp://10.0.0.1:1', 'unix:/run/a.sock'])('does not matter for %s, and that is said', (url) => {
    expect(warningsOf(pair('protocol: tcp', [`${url}, resolve: ttl`, 'tcp://b:1']))).toEqual([
      expect.stringContaining('resolve has no effect: `url` has an address, and no name to look up'),
    ])
    expect(warningsOf(pair('protocol: tcp', [url, 'tcp://b:1, resolve: ttl']))).toEqual([])
  })
})

describe('a PROXY header for upstreams', () => {
  const header = (url: string) => `${url}, proxyProtocol: v2`

  it.each(['tcp://a:1', 'tls://a:1', 'unix:/a'])('is for tcp listeners: %s', (url) => {
    expect(
      poolOf(pair('protocol: tcp', [header(url), 'tcp://b:1'])).upstreams.map((each) => each.proxyProtocol),
    ).toEqual(['v2', 'off'])
  })

  it.each(['http://a', 'https://a', 'h2://a', 'h2c://a', 'unix:/a'])('is refused for HTTP: %s', (url) => {
    expect(problemsOf(pair('protocol: http', [header(url), 'http://b']))).toEqual([
      expect.stringMatching(
        /pools\.p\.upstreams\[0\]\.proxyProtocol is for listeners of `protocol: tcp`: HTTP connections to upstreams are shared between clients, whose addresses are in X-Forwarded-For$/,
      ),
    ])
  })

  it('is not expected from the proxy in other versions', () => {
    expect(problemsOf(pair('protocol: tcp', ['tcp://a:1, proxyProtocol: either', 'tcp://b:1']))).toEqual([
      expect.stringContaining('proxyProtocol expected one of `off`, `v1`, `v2`'),
    ])
  })
})

describe('long-lived connections on a failover', () => {
  it('are cut unless told otherwise', () => {
    expect(poolOf(pair('protocol: tcp', TCP)).drain.failover).toBe('cut')
    expect(poolOf(pair('protocol: tcp', TCP, 'drain: { failover: finish }')).drain.failover).toBe('finish')
    expect(problemsOf(pair('protocol: tcp', TCP, 'drain: { failover: finnish }'))).toEqual([
      expect.stringContaining('drain.failover expected one of `cut`, `finish`; did you mean `finish`?'),
    ])
  })
})

describe('pools', () => {
  it('are not blamed for a listener that names them in a key of the other protocol', () => {
    const names = pair('protocol: http, serverNames: { a.example: q }', HTTP)
    expect(
      problemsOf(`${names}  q: { upstreams: [{ name: a, url: "tcp://x:1" }, { name: b, url: "tcp://y:1" }] }\n`),
    ).toEqual([expect.stringContaining('listeners.l.serverNames needs `protocol: tcp`')])
  })

  it('are in use when server names or routes name them', () => {
    const other = (url: string) =>
      `  q: { upstreams: [{ name: a, url: "${url}" }, { name: b, url: "${url.replace('x', 'y')}" }] }\n`
    const names = pair('protocol: tcp, serverNames: { a.example: q }', TCP)
    const routes = pair('front: { routes: [{ path: /a, pool: q }] }', HTTP)
    expect(warningsOf(names + other('tcp://x:1'))).toEqual([])
    expect(warningsOf(routes + other('http://x'))).toEqual([])
    expect(problemsOf(routes + other('tcp://x:1'))).toEqual([
      expect.stringContaining('pools.q.upstreams[0].url is tcp://, but the listener `l` speaks http: write http://'),
      expect.stringContaining('pools.q.upstreams[1].url is tcp://, but the listener `l` speaks http: write http://'),
    ])
    expect(problemsOf(names)).toEqual([
      expect.stringContaining('listeners.l.serverNames["a.example"] no pool is called `q`; did you mean `p`?'),
    ])
    expect(problemsOf(routes)).toEqual([
      expect.stringContaining('listeners.l.front.routes[0].pool no pool is called `q`; did you mean `p`?'),
    ])
  })
})
