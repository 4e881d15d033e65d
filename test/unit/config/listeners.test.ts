import { describe, expect, it } from 'vitest'
import { outlineAt, outlineOfConfig } from '../../../src/config/outline.ts'
import type { ListenerConfig } from '../../../src/config/schema.ts'
import { accepted, pair, problemsOf, warningsOf } from './support.ts'

const HTTP = ['http://a', 'http://b']
const TCP = ['tcp://a:1', 'tcp://b:1']
const http = (keys: string) => pair(`protocol: http, ${keys}`, HTTP)
const tcp = (keys: string) => pair(`protocol: tcp, ${keys}`, TCP)

function listenerOf(text: string): ListenerConfig {
  const listener = accepted(text).listeners.l
  if (listener === undefined) throw new Error('no listener `l`')
  return listener
}

describe('TLS from clients', () => {
  it('needs a certificate and its key', () => {
    expect(listenerOf(http('tls: { cert: c.pem, key: k.pem }')).tls).toEqual({
      cert: 'c.pem',
      key: 'k.pem',
      certificates: [],
      minVersion: 'TLSv1.2',
    })
    expect(problemsOf(http('tls: {}'))).toEqual([
      expect.stringContaining('listeners.l.tls.cert is required, for example cert.pem'),
      expect.stringContaining('listeners.l.tls.key is required, for example key.pem'),
    ])
  })

  it('may have more certificates, each with its key', () => {
    const more = (second: string) => http(`tls: { cert: c, key: k, certificates: [{ cert: c2, key: k2 }, ${second}] }`)
    expect(listenerOf(more('{ cert: c3, key: k3 }')).tls?.certificates).toEqual([
      { cert: 'c2', key: 'k2' },
      { cert: 'c3', key: 'k3' },
    ])
    expect(problemsOf(more('{ cert: c3 }'))).toEqual([
      expect.stringContaining('listeners.l.tls.certificates[1].key is required'),
    ])
  })

  it('goes back to TLS 1.2 and no further', () => {
    expect(listenerOf(tcp('tls: { cert: c, key: k, minVersion: TLSv1.3 }')).tls?.minVersion).toBe('TLSv1.3')
    expect(problemsOf(http('tls: { cert: c, key: k, minVersion: TLSv1.1 }'))).toEqual([
      expect.stringContaining('minVersion expected one of `TLSv1.2`, `TLSv1.3`'),
    ])
  })

  it('asks for certificates of clients, and requires them unless told otherwise', () => {
    const clients = (keys: string) => `tls: { cert: c, key: k, clients: { ${keys} } }`
    expect(listenerOf(tcp(clients('ca: ca.pem'))).tls?.clients).toEqual({
      ca: 'ca.pem',
      mode: 'require',
      forward: false,
    })
    expect(listenerOf(http(clients('ca: ca.pem, mode: ask, forward: true'))).tls?.clients).toEqual({
      ca: 'ca.pem',
      mode: 'ask',
      forward: true,
    })
    expect(problemsOf(http(clients('mode: ask')))).toEqual([expect.stringContaining('clients.ca is required')])
    expect(problemsOf(tcp(clients('ca: ca.pem, forward: true')))).toEqual([
      expect.stringContaining('listeners.l.tls.clients.forward needs `protocol: http`'),
    ])
  })
})

describe('a key of the other protocol', () => {
  it.each(['http2: auto', 'http2: off', 'front: { routes: [] }'])('%s is refused by a tcp listener', (key) => {
    expect(problemsOf(tcp(key))).toEqual([
      `u.yaml:2:63 listeners.l.${key.split(':')[0]} needs \`protocol: http\`; a tcp listener passes bytes on as they are`,
    ])
  })

  it('serverNames is refused by an http listener', () => {
    expect(problemsOf(http('serverNames: { a.example: p }'))).toEqual([
      expect.stringMatching(
        /listeners\.l\.serverNames needs `protocol: tcp`; an http listener gives paths to other pools with `front\.routes`$/,
      ),
    ])
  })

  it('is not judged by a protocol that is wrong itself', () => {
    const text = pair('protocol: udp, serverNames: { a.example: p }', TCP)
    expect(problemsOf(text)).toEqual([expect.stringContaining('protocol expected one of `http`, `tcp`')])
  })
})

describe('a listener has what belongs to its protocol', () => {
  it('http: HTTP/2 where TLS agrees on it, and no local routes', () => {
    expect(listenerOf(http(''))).toMatchObject({ protocol: 'http', http2: 'auto', front: { routes: [] } })
    expect(listenerOf(http(''))).not.toHaveProperty('serverNames')
    expect(listenerOf(http('http2: cleartext'))).toMatchObject({ http2: 'cleartext' })
  })

  it('tcp: server names', () => {
    expect(listenerOf(tcp(''))).toMatchObject({ protocol: 'tcp', serverNames: {} })
    expect(listenerOf(tcp(''))).not.toHaveProperty('http2')
    expect(listenerOf(tcp(''))).not.toHaveProperty('front')
  })

  it('has samples in the reference that are accepted', () => {
    const samples = outlineAt(outlineOfConfig(), ['listeners', 'l'])?.samples ?? []
    expect(samples.length).toBeGreaterThan(1)
    for (const sample of samples) {
      const scheme = JSON.stringify(sample).includes('"tcp"') ? 'tcp' : 'http'
      const upstreams = ['a', 'b'].map((name) => ({ name, url: `${scheme}://${name}:1` }))
      const config = { listeners: { l: sample }, pools: { shop: { upstreams }, orders: { upstreams } } }
      expect(problemsOf(JSON.stringify(config))).toEqual([])
    }
  })
})

describe('server names', () => {
  it.each([
    'db.example.com',
    '"*.apps.example.com"',
    'localhost',
    '_x.a-b.example',
    'xn--bcher-kva.example',
    '1.example',
  ])('%s is one', (name) => {
    expect(listenerOf(tcp(`serverNames: { ${name}: p }`))).toMatchObject({
      serverNames: { [name.replaceAll('"', '')]: 'p' },
    })
  })

  it.each([
    'DB.example.com',
    '"*"',
    '"*."',
    '"*.*.example.com"',
    '"a.*.example.com"',
    '"*a.example.com"',
    'db.example.com.',
    'a..b',
    '-a.example',
    'a-.example',
    '10.0.0.1',
    '"::1"',
    '"db.example.com:5432"',
    '"a b"',
    `${'x'.repeat(64)}.example`,
    `${'x.'.repeat(128)}example`,
  ])('%s is none', (name) => {
    expect(problemsOf(tcp(`serverNames: { ${name}: p }`))).toEqual([
      expect.stringMatching(
        /^u\.yaml:2:71 listeners\.l\.serverNames.* expected a server name in lower case, such as db\.example\.com, or \*\.example\.com for every name right below it$/,
      ),
    ])
  })

  it('are a mapping', () => {
    expect(problemsOf(tcp('serverNames: [a.example]'))).toEqual([
      expect.stringContaining('listeners.l.serverNames expected a mapping (`key: value`), not a list'),
    ])
  })
})

describe('the PROXY header of clients', () => {
  const open = (keys: string, listen: string) => http(`proxyProtocol: ${keys}`).replace('127.0.0.1:8080', listen)

  it.each(['v1', 'v2', 'either', 'optional'])('may be %s', (mode) => {
    expect(listenerOf(http(`proxyProtocol: ${mode}`)).proxyProtocol).toBe(mode)
  })

  it('should be limited to trusted proxies where anyone can connect', () => {
    for (const listen of ['0.0.0.0:8080', '":8080"', '10.0.0.1:8080']) {
      expect(warningsOf(open('v2', listen))).toEqual([
        expect.stringContaining(
          'listeners.l.proxyProtocol lets whoever connects claim any address; name in `trustedProxies` who may send the PROXY header',
        ),
      ])
    }
    expect(warningsOf(open('v2, trustedProxies: [10.0.0.0/8]', '0.0.0.0:8080'))).toEqual([])
    expect(warningsOf(open('v2', '127.0.0.1:8080'))).toEqual([])
    expect(warningsOf(open('v2', 'unix:/run/u.sock'))).toEqual([])
    expect(warningsOf(open('off', '0.0.0.0:8080'))).toEqual([])
  })

  it('is all that trusted proxies of a tcp listener are good for', () => {
    expect(warningsOf(tcp('trustedProxies: [10.0.0.0/8]'))).toEqual([
      expect.stringContaining('listeners.l.trustedProxies has no effect on a tcp listener without `proxyProtocol`'),
    ])
    expect(warningsOf(tcp('trustedProxies: [10.0.0.0/8], proxyProtocol: either'))).toEqual([])
    expect(warningsOf(http('trustedProxies: [10.0.0.0/8]'))).toEqual([])
  })

  it('cannot be optional where servers speak first: the first bytes have to come from the client', () => {
    expect(warningsOf(tcp('trustedProxies: [10.0.0.0/8], proxyProtocol: optional'))).toEqual([
      expect.stringContaining('listeners.l.proxyProtocol `optional` waits for the first bytes of a client'),
    ])
    expect(warningsOf(http('trustedProxies: [10.0.0.0/8], proxyProtocol: optional'))).toEqual([])
  })
})

describe('HTTP/2 without TLS', () => {
  it('has no meaning on a listener with TLS', () => {
    expect(warningsOf(http('http2: cleartext, tls: { cert: c, key: k }'))).toEqual([
      expect.stringContaining('listeners.l.http2 `cleartext` has no effect on a listener with `tls`'),
    ])
    expect(warningsOf(http('http2: cleartext'))).toEqual([])
  })
})

describe('HTTP/2 beside local routes', () => {
  const beside = (http2: string, routes = '{ path: /a, respond: {} }') =>
    warningsOf(http(`${http2}front: { routes: [${routes}] }, tls: { cert: c, key: k }`))

  it.each(['auto', 'cleartext'])('has no effect when it is asked for (%s)', (http2) => {
    expect(beside(`http2: ${http2}, `)).toEqual([
      expect.stringContaining(`listeners.l.http2 \`${http2}\` has no effect on a listener with \`front.routes\``),
    ])
  })

  it('is no matter where nobody asks for it, or there are no routes', () => {
    expect(beside('http2: off, ')).toEqual([])
    expect(beside('')).toEqual([])
    expect(beside('http2: auto, ', '')).toEqual([])
  })
})

describe('limits', () => {
  it.each([
    ['connectionsPerAddress: 0', true],
    ['handshakes: 0', false],
    ['handshakes: 1', true],
    ['handshakeTimeout: 11m', false],
    ['handshakeTimeout: 10', false],
    ['streams: 0', false],
    ['streams: 1', true],
    ['streams: 10000', true],
    ['streams: 10001', false],
  ])('%s: %s', (key, fits) => {
    expect(problemsOf(http(`limits: { ${key} }`)).length).toBe(fits ? 0 : 1)
  })

  it('suggest the key that was meant', () => {
    expect(problemsOf(http('limits: { connectionPerAddress: 5 }'))).toEqual([
      expect.stringContaining('unknown key `connectionPerAddress`; did you mean `connectionsPerAddress`?'),
    ])
  })
})
