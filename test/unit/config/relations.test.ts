import { describe, expect, it } from 'vitest'
import { MINIMAL, problemsOf, warningsOf, withShop } from './support.ts'

const upstreams = (...lines: readonly string[]): string =>
  `listeners: { web: { listen: ":8080", pool: shop } }\npools:\n  shop:\n    upstreams:\n${lines.map((line) => `      - { ${line} }\n`).join('')}`

describe('upstreams', () => {
  it('must be two or more', () => {
    expect(problemsOf(upstreams('name: a, url: http://a'))).toEqual([
      'u.yaml:4:5 pools.shop.upstreams needs a primary and at least one standby: two upstreams or more',
    ])
  })

  it('must have a primary', () => {
    expect(problemsOf(upstreams('name: a, url: http://a, role: standby', 'name: b, url: http://b'))).toEqual([
      'u.yaml:4:5 pools.shop.upstreams has no primary; give one upstream `role: primary`',
    ])
  })

  it('must have one primary only', () => {
    const text = upstreams('name: a, url: http://a, role: primary', 'name: b, url: http://b, role: primary')
    expect(problemsOf(text)).toEqual([
      'u.yaml:4:5 pools.shop.upstreams has 2 primaries; give exactly one upstream `role: primary`',
    ])
  })

  it('must have different names', () => {
    expect(problemsOf(upstreams('name: a, url: http://a', 'name: a, url: http://b'))).toEqual([
      'u.yaml:6:17 pools.shop.upstreams[1].name `a` is already taken in this pool',
    ])
  })

  it('should be different servers', () => {
    expect(warningsOf(upstreams('name: a, url: http://h', 'name: b, url: http://h:80'))).toEqual([
      'u.yaml:6:25 pools.shop.upstreams[1].url is the same server as `a`: it would fail with it',
    ])
  })

  it('must not be the proxy itself', () => {
    expect(problemsOf(upstreams('name: a, url: http://127.0.0.1:8080', 'name: b, url: http://localhost:9900'))).toEqual(
      [
        'u.yaml:5:25 pools.shop.upstreams[0].url is this proxy itself: `listeners.web.listen`',
        'u.yaml:6:25 pools.shop.upstreams[1].url is this proxy itself: `admin.listen`',
      ],
    )
  })

  it('have TLS settings only where they are encrypted', () => {
    expect(problemsOf(upstreams('name: a, url: http://a, tls: { ca: ca.pem }', 'name: b, url: http://b'))).toEqual([
      'u.yaml:5:40 pools.shop.upstreams[0].tls needs a `url` that begins with https://, h2:// or tls://',
    ])
  })

  it('are told loudly when certificates are not checked', () => {
    expect(warningsOf(upstreams('name: a, url: https://a, tls: { verify: false }', 'name: b, url: https://b'))).toEqual(
      [
        'u.yaml:5:51 pools.shop.upstreams[0].tls.verify certificates of `a` are not checked: anyone in between can read and change traffic',
      ],
    )
  })
})

describe('maxConnections', () => {
  it('is a whole number above zero', () => {
    for (const wrong of ['0', '1.5', 'many']) {
      expect(
        problemsOf(upstreams(`name: a, url: http://a, maxConnections: ${wrong}`, 'name: b, url: http://b')),
      ).toEqual(['u.yaml:5:51 pools.shop.upstreams[0].maxConnections expected a whole number from 1 to 1000000'])
    }
  })

  it.each([
    ['maxConnections: 200', 'maxConnections: 50', '200'],
    ['role: primary', 'maxConnections: 50', 'which has no limit'],
  ])('of a standby had better not be less than that of the primary (%s)', (primary, standby, says) => {
    const text = upstreams(`name: a, url: http://a, ${primary}`, `name: b, url: http://b, ${standby}`)
    expect(warningsOf(text)).toEqual([
      `u.yaml:6:51 pools.shop.upstreams[1].maxConnections is 50, less than that of \`a\`, ${says}: after a failover more requests have to wait`,
    ])
  })

  it('of a standby may be as large, or larger, and need not be', () => {
    for (const standby of ['maxConnections: 200', 'maxConnections: 300', 'role: standby']) {
      const text = upstreams('name: a, url: http://a, maxConnections: 200', `name: b, url: http://b, ${standby}`)
      expect(warningsOf(text)).toEqual([])
    }
  })

  it('of 1 leaves HTTP/2 nothing while one connection takes the place of another', () => {
    const text = upstreams('name: a, url: h2c://a, maxConnections: 1', 'name: b, url: h2c://b, maxConnections: 2')
    expect(warningsOf(text)).toEqual([
      'u.yaml:5:50 pools.shop.upstreams[0].maxConnections is 1: whenever the upstream replaces its connection (GOAWAY), requests wait for the last answer on it; allow 2 or more',
    ])
  })
})

describe('workers', () => {
  const withWorkers = (workers: number | string) => `workers: ${workers}\n`

  it.each([0, 65, 'many'])('are a number that a machine has cores for, or auto: not %s', (wrong) => {
    expect(problemsOf(withWorkers(wrong) + MINIMAL)).toEqual([
      'u.yaml:1:10 workers expected a whole number from 1 to 64, or auto',
    ])
  })

  it('cannot share a unix socket', () => {
    const text = MINIMAL.replace('0.0.0.0:8080', 'unix:/run/u.sock')
    expect(warningsOf(withWorkers(2) + text)).toEqual([
      'u.yaml:3:34 listeners.web.listen is a unix socket: one of the `workers` alone serves it',
    ])
    expect(warningsOf(withWorkers(1) + text)).toEqual([])
  })

  it('need a connection each', () => {
    const text = upstreams('name: a, url: http://a, maxConnections: 2', 'name: b, url: http://b')
    expect(warningsOf(withWorkers(3) + text)).toEqual([
      'u.yaml:6:51 pools.shop.upstreams[0].maxConnections is less than `workers`, 3: each of them has connections of its own, and waits for those of the others',
    ])
    expect(warningsOf(withWorkers(2) + text)).toEqual([])
  })
})

describe('listeners', () => {
  it('must name a pool that exists; the nearest name is offered', () => {
    expect(problemsOf(MINIMAL.replace('pool: shop', 'pool: shpo'))).toEqual([
      'u.yaml:2:54 listeners.web.pool no pool is called `shpo`; did you mean `shop`?',
    ])
  })

  it('must not share an address', () => {
    const text = MINIMAL.replace('pools:', '  more: { listen: 127.0.0.1:8080, pool: shop }\npools:')
    expect(problemsOf(text)).toEqual([
      'u.yaml:3:19 listeners.more.listen is the same address as `listeners.web.listen`',
    ])
  })

  it('must not share the address of the admin API', () => {
    expect(problemsOf(MINIMAL.replace('8080', '9900'))).toEqual([
      'u.yaml:2:34 listeners.web.listen is the same address as `admin.listen`',
    ])
  })

  it('must not be none', () => {
    expect(problemsOf('listeners: {}\npools: {}')).toEqual([
      'u.yaml:1:12 listeners needs at least one listener',
      'u.yaml:2:8 pools needs at least one pool',
    ])
  })

  it('should not trust everyone', () => {
    expect(warningsOf(MINIMAL.replace('pool: shop', 'pool: shop, trustedProxies: [10.0.0.0/8, 0.0.0.0/0]'))).toEqual([
      'u.yaml:2:89 listeners.web.trustedProxies[1] trusts everyone: any client can claim any address',
    ])
  })

  it('should use every pool', () => {
    const idle = '  idle: { upstreams: [{ name: a, url: http://a }, { name: b, url: http://b }] }\n'
    expect(warningsOf(MINIMAL + idle)).toEqual(['u.yaml:8:9 pools.idle is served by no listener'])
  })
})

describe('the admin API', () => {
  const admin = (keys: string) => `${MINIMAL}admin: { ${keys} }\n`

  it.each(['":9900"', '0.0.0.0:9900', '10.0.0.9:9900', '"[::]:9900"'])('needs a token on %s', (listen) => {
    expect(problemsOf(admin(`listen: ${listen}`))).toEqual([
      'u.yaml:8:18 admin.listen needs `admin.token` for any address that is not loopback: whoever reaches it can switch pools',
    ])
  })

  it.each(['127.0.0.1:9000', 'localhost:9000', '"[::1]:9000"', 'unix:/run/u.sock'])('needs none on %s', (listen) => {
    expect(problemsOf(admin(`listen: ${listen}`))).toEqual([])
  })

  it('accepts a token of 16 characters and none of 15', () => {
    expect(problemsOf(admin('listen: ":9900", token: 0123456789abcdef'))).toEqual([])
    expect(problemsOf(admin('listen: ":9900", token: 0123456789abcde'))).toEqual([
      'u.yaml:8:34 admin.token expected at least 16 characters, without spaces. Try: openssl rand -hex 16',
    ])
  })
})

describe('times', () => {
  it('a probe must be over before the next one', () => {
    expect(problemsOf(withShop('probe: { interval: 500ms, timeout: 500ms }'))).toEqual([
      'u.yaml:8:40 pools.shop.probe.timeout is 500ms; must be less than `interval`, 500ms',
    ])
    expect(problemsOf(withShop('probe: { interval: 500ms, timeout: 499ms }'))).toEqual([])
  })

  it('a default that no longer fits is reported at the section', () => {
    expect(problemsOf(withShop('probe: { interval: 200ms }'))).toEqual([
      'u.yaml:8:5 pools.shop.probe.timeout is 250ms; must be less than `interval`, 200ms',
    ])
  })

  it('connecting must take less than the whole request', () => {
    expect(problemsOf(withShop('timeouts: { request: 300ms }'))).toEqual([
      'u.yaml:8:5 pools.shop.timeouts.connect is 400ms; must be less than `request`, 300ms',
    ])
  })

  it('a response deadline should leave time to recognise a hang', () => {
    expect(warningsOf(withShop('timeouts: { responseHead: 400ms }'))).toEqual([
      'u.yaml:8:31 pools.shop.timeouts.responseHead is not more than `detect.hangAfter`, 400ms: requests end before a hang is recognised',
    ])
  })
})

describe('hooks', () => {
  it('only belong to a single writer', () => {
    expect(problemsOf(withShop('hooks: { promote: [x] }'))).toEqual([
      'u.yaml:8:12 pools.shop.hooks only run with `kind: singleWriter`; a stateless pool switches without them',
    ])
  })

  it('must do something', () => {
    expect(problemsOf(withShop('kind: singleWriter\nhooks: { timeout: 1s }'))).toEqual([
      'u.yaml:9:12 pools.shop.hooks needs `fence`, `promote` or both',
    ])
  })

  it('are a program and arguments, not a line for a shell', () => {
    expect(problemsOf(withShop('kind: singleWriter\nhooks: { promote: rm -rf / }'))).toEqual([
      'u.yaml:9:23 pools.shop.hooks.promote expected a list: the program, then its arguments. No shell is involved',
    ])
  })
})

describe('a resume from another upstream', () => {
  it('is not for a single writer', () => {
    expect(problemsOf(withShop('kind: singleWriter\nreplay: { resume: true }'))).toEqual([
      'u.yaml:9:23 pools.shop.replay.resume needs `kind: stateless`: with a single writer no other upstream may be asked for the rest',
    ])
  })

  it('is for stateless pools', () => {
    expect(problemsOf(withShop('replay: { resume: true }'))).toEqual([])
  })
})

describe('what this version does not do is refused, never ignored', () => {
  it('alerts', () => {
    expect(problemsOf(`${MINIMAL}alerts:\n  - { url: https://x.example/y, on: [failover] }\n`)).toEqual([
      'u.yaml:8:1 alerts `alerts` is not available in this version; use GET /events of the admin API or the metrics',
    ])
  })
})

describe('a ramp', () => {
  it('is for stateless pools: with one writer, two at once is what must not be', () => {
    expect(
      problemsOf(withShop('kind: singleWriter\nfailback: { ramp: 10s }')).map((problem) =>
        problem.replace(/^\S+ /, ''),
      ),
    ).toEqual(['pools.shop.failback.ramp is for stateless pools: with `kind: singleWriter` two would serve at once'])
  })

  it('is for HTTP', () => {
    const tcp = withShop('failback: { ramp: 10s }').replaceAll('http://', 'tcp://')
    const text = tcp.replace('protocol: http', 'protocol: tcp')
    expect(problemsOf(text).join()).toMatch(/failback\.ramp is for HTTP: of a TCP session/)
  })

  it.each(['500ms', '11m', 'on', '10'])('is off, or between a second and ten minutes: not %s', (ramp) => {
    expect(problemsOf(withShop(`failback: { ramp: ${ramp} }`))).toHaveLength(1)
  })

  it('is off where it says so', () => {
    expect(problemsOf(withShop('failback: { ramp: off }'))).toEqual([])
  })
})
