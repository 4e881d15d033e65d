import { describe, expect, it } from 'vitest'
import { outlineAt, outlineOfConfig } from '../../../src/config/outline.ts'
import type { ProbeConfig } from '../../../src/config/schema.ts'
import { accepted, pair, problemsOf, withShop } from './support.ts'

const SCHEDULE = { interval: 500, timeout: 250, healthy: 2, unhealthy: 2 }
const TCP = ['tcp://a:1', 'tcp://b:1']

function probeOf(text: string): ProbeConfig {
  const probe = accepted(text).pools.p?.probe
  if (probe === undefined) throw new Error('no pool `p`')
  return probe
}

describe('the kind of check, when it is not said', () => {
  it.each([
    ['http', 'http', ['http://a', 'https://b']],
    ['http', 'http', ['unix:/a', 'http://b']],
    ['http', 'http', ['unix:/a', 'unix:/b']],
    ['http', 'tls', ['h2://a', 'h2://b']],
    ['http', 'tls', ['h2://a', 'https://b']],
    ['http', 'tcp', ['h2c://a', 'h2c://b']],
    ['http', 'tcp', ['h2c://a', 'http://b']],
    ['tcp', 'tcp', TCP],
    ['tcp', 'tcp', ['unix:/a', 'unix:/b']],
    ['tcp', 'tcp', ['tls://a:1', 'tcp://b:1']],
    ['tcp', 'tls', ['tls://a:1', 'tls://b:1']],
  ])('behind a listener of %s is %s for %j', (protocol, type, urls) => {
    expect(probeOf(pair(`protocol: ${protocol}`, urls)).type).toBe(type)
  })
})

describe('each kind of check', () => {
  it.each([
    ['type: tcp', { type: 'tcp' }],
    ['type: tcp, send: "PING\\r\\n", receive: +PONG', { type: 'tcp', send: 'PING\r\n', receive: '+PONG' }],
    ['type: grpc', { type: 'grpc', service: '' }],
    ['type: grpc, service: shop.v1.Orders', { type: 'grpc', service: 'shop.v1.Orders' }],
    ['type: postgres', { type: 'postgres', user: 'understudy', database: 'understudy' }],
    ['type: postgres, user: me', { type: 'postgres', user: 'me', database: 'me' }],
    ['type: postgres, database: orders', { type: 'postgres', user: 'understudy', database: 'orders' }],
    ['type: redis', { type: 'redis', role: 'any' }],
    ['type: redis, role: primary', { type: 'redis', role: 'primary' }],
    ['type: mysql', { type: 'mysql', user: 'understudy' }],
    ['type: mysql, user: me', { type: 'mysql', user: 'me' }],
    ['type: smtp', { type: 'smtp', hello: 'understudy' }],
    ['type: smtp, hello: a.example', { type: 'smtp', hello: 'a.example' }],
    ['type: exec, command: [/bin/check, -v]', { type: 'exec', command: ['/bin/check', '-v'] }],
    ['type: http', { type: 'http', path: '/', expect: [{ from: 100, to: 499 }] }],
  ])('%s has its own keys and no others', (keys, expected) => {
    expect(probeOf(pair('protocol: tcp', TCP, `probe: { ${keys} }`))).toEqual({ ...SCHEDULE, ...expected })
  })

  const KEYS = {
    path: '/health',
    expect: '200',
    body: 'ok',
    send: 'x',
    receive: 'x',
    service: 'x',
    role: 'any',
    user: 'x',
    database: 'x',
    hello: 'x',
    command: '[x]',
  }
  const OWN: Readonly<Record<string, readonly string[]>> = {
    http: ['path', 'expect', 'body'],
    tcp: ['send', 'receive'],
    tls: ['send', 'receive'],
    grpc: ['service'],
    postgres: ['user', 'database'],
    redis: ['role'],
    mysql: ['user'],
    smtp: ['hello'],
    exec: ['command'],
  }

  it.each(Object.entries(OWN))('%s refuses the keys of all others at once', (type, own) => {
    const all = Object.entries(KEYS).map(([key, value]) => `${key}: ${value}`)
    const problems = problemsOf(pair('protocol: tcp', ['tls://a:1', 'tls://b:1'], `probe: { type: ${type}, ${all} }`))
    const refused = problems.map(
      (line) => /pools\.p\.probe\.(\w+) only means something to a probe of type/.exec(line)?.[1],
    )
    expect(refused).toEqual(Object.keys(KEYS).filter((key) => !own.includes(key)))
    for (const line of problems) expect(line).toMatch(new RegExp(`, not ${type}$`))
  })

  it('names every kind a key belongs to, and the fix where the kind was not said', () => {
    expect(problemsOf(withShop('probe: { type: grpc, send: x }'))).toEqual([
      'u.yaml:8:32 pools.shop.probe.send only means something to a probe of type tcp or tls, not grpc',
    ])
    expect(problemsOf(withShop('probe: { service: x }'))).toEqual([
      'u.yaml:8:23 pools.shop.probe.service only means something to a probe of type grpc, not http; write `type: grpc`',
    ])
  })

  it('does not judge keys by a kind that is wrong itself, or rests on a wrong URL', () => {
    expect(problemsOf(withShop('probe: { type: gprc, service: x }'))).toEqual([
      expect.stringMatching(/probe\.type expected one of .*; did you mean `grpc`\?$/),
    ])
    expect(problemsOf(pair('protocol: tcp', ['ftp://a', 'ftp://b'], 'probe: { send: x }'))).toEqual([
      expect.stringContaining('upstreams[0].url expected the URL'),
      expect.stringContaining('upstreams[1].url expected the URL'),
    ])
  })

  it('has a sample in the reference that is accepted', () => {
    const samples = outlineAt(outlineOfConfig(), ['pools', 'p', 'probe'])?.samples ?? []
    expect(samples.length).toBeGreaterThan(5)
    for (const sample of samples) {
      const text = pair('protocol: tcp', TCP, `probe: ${JSON.stringify(sample)}`)
      expect(problemsOf(text)).toEqual([])
    }
  })
})

describe('a check by program', () => {
  it('needs the program', () => {
    expect(problemsOf(withShop('probe: { type: exec }'))).toEqual([
      'u.yaml:8:5 pools.shop.probe.command is required with `type: exec`: the program, then its arguments, such as [/usr/local/bin/check, --fast]',
    ])
    expect(problemsOf(withShop('probe: { type: exec, command: [] }'))).toEqual([
      expect.stringContaining('pools.shop.probe.command expected a program'),
    ])
  })

  it('is no line for a shell', () => {
    expect(problemsOf(withShop('probe: { type: exec, command: pg_isready -q }'))).toEqual([
      expect.stringContaining('command expected a list: the program, then its arguments. No shell is involved'),
    ])
  })
})

describe('a check that its upstreams cannot answer', () => {
  it.each(['postgres', 'redis', 'mysql', 'smtp'])('%s is refused in front of HTTP', (type) => {
    expect(problemsOf(withShop(`probe: { type: ${type} }`))).toEqual([
      `u.yaml:8:20 pools.shop.probe.type \`${type}\` needs tcp://, tls:// or unix: upstreams; \`blue\` is http://`,
    ])
    expect(problemsOf(pair('protocol: tcp', ['unix:/a', 'tls://b:1'], `probe: { type: ${type} }`))).toEqual([])
  })

  it('tls needs upstreams that speak TLS', () => {
    expect(problemsOf(withShop('probe: { type: tls }'))).toEqual([
      'u.yaml:8:20 pools.shop.probe.type `tls` needs https://, h2:// or tls:// upstreams; `blue` is http://',
    ])
    expect(problemsOf(pair('protocol: tcp', ['tls://a:1', 'unix:/b'], 'probe: { type: tls }'))).toEqual([
      expect.stringContaining('upstreams; `u1` is unix:'),
    ])
    expect(problemsOf(withShop('probe: { type: tls }').replaceAll('http://', 'https://'))).toEqual([])
    expect(problemsOf(pair('protocol: http', ['h2://a', 'https://b'], 'probe: { type: tls }'))).toEqual([])
  })

  it.each(['http', 'tcp', 'grpc'])('%s can be sent to any', (type) => {
    expect(problemsOf(withShop(`probe: { type: ${type} }`))).toEqual([])
    expect(problemsOf(pair('protocol: tcp', TCP, `probe: { type: ${type} }`))).toEqual([])
  })
})

describe('texts that are sent', () => {
  it.each([
    ['smtp', 'hello', '"a\\r\\nRCPT TO:<x>"', 'expected the name of a host'],
    ['postgres', 'user', '"a\\0b"', 'expected a name of at most 63 characters'],
    ['postgres', 'database', `"${'x'.repeat(64)}"`, 'expected a name of at most 63 characters'],
    ['grpc', 'service', '"a b"', 'expected the full name of a service'],
    ['tcp', 'send', '""', 'expected text'],
  ])('%s: %s cannot be %s', (type, key, value, message) => {
    expect(problemsOf(pair('protocol: tcp', TCP, `probe: { type: ${type}, ${key}: ${value} }`))).toEqual([
      expect.stringContaining(`pools.p.probe.${key} ${message}`),
    ])
  })
})
