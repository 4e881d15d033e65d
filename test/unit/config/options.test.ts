import { describe, expect, it } from 'vitest'
import type { UnderstudyOptions } from '../../../src/config/options.ts'
import { configFromOptions } from '../../../src/config/options.ts'
import { formatProblem } from '../../../src/config/problems.ts'

const upstreams = [
  { name: 'blue', url: 'http://127.0.0.1:9900' },
  { name: 'green', url: 'http://10.0.0.2:3000' },
]
const shop = { upstreams }

/** Programs are not all written in TypeScript. */
function problemsOf(options: object): readonly string[] {
  const result = configFromOptions(options as UnderstudyOptions)
  return result.ok ? [] : result.problems.map(formatProblem)
}
function routesOf(options: UnderstudyOptions) {
  const result = configFromOptions(options)
  return result.ok ? result.routes : result.problems.map(formatProblem)
}

describe('the options of an application', () => {
  it('are a configuration with the defaults of a file, and no address of the proxy', () => {
    const result = configFromOptions({ pools: { shop }, state: { dir: '/tmp/x' }, trustedProxies: ['10.0.0.0/8'] })
    expect(result).toMatchObject({
      ok: true,
      warnings: [],
      config: { state: { dir: '/tmp/x' }, log: { access: 'off' }, pools: { shop: { hold: { time: 2_000 } } } },
      trustedProxies: [{ address: '10.0.0.0', prefix: 8 }],
    })
  })

  it('take all paths to the only pool, or those of the routes', () => {
    expect(routesOf({ pools: { shop } })).toEqual([{ path: '/*', pool: 'shop', rewrite: null }])
    expect(routesOf({ pools: { shop }, routes: {} })).toEqual([])
    const routes = { '/a/*': 'shop', '/b': { pool: 'other', rewrite: '/c' } }
    expect(routesOf({ pools: { shop, other: shop }, routes })).toEqual([
      { path: '/a/*', pool: 'shop', rewrite: null },
      { path: '/b', pool: 'other', rewrite: '/c' },
    ])
  })

  it('put a prefix before every path, and take the prefix alone as well', () => {
    expect(routesOf({ pools: { shop }, prefix: '/x', routes: { '/*': 'shop', '/a': 'shop' } })).toEqual([
      { path: '/x/*', pool: 'shop', rewrite: null },
      { path: '/x', pool: 'shop', rewrite: null },
      { path: '/x/a', pool: 'shop', rewrite: null },
    ])
  })

  it.each([
    ['no pools', {}, ['understudy options: pools needs at least one pool']],
    ['an empty set of pools', { pools: {} }, ['understudy options: pools needs at least one pool']],
    [
      'a wrong upstream',
      { pools: { shop: { upstreams: [{ name: 'blue', url: 'http//nowhere' }, upstreams[1]] } } },
      [expect.stringMatching(/^understudy options: pools\.shop\.upstreams\[0\]\.url expected/)],
    ],
    [
      'an unknown option',
      { pool: { shop }, pools: { shop } },
      ['understudy options: pool unknown key `pool`; did you mean `pools`?'],
    ],
    [
      'an unknown key of a route',
      { pools: { shop }, routes: { '/a': { pool: 'shop', rewrit: '/b' } } },
      ['understudy options: routes["/a"].rewrit unknown key `rewrit`; did you mean `rewrite`?'],
    ],
    [
      'a wrong path',
      { pools: { shop }, routes: { 'a/*': 'shop' } },
      [expect.stringMatching(/^understudy options: routes\["a\/\*"\] expected a path that starts with \//)],
    ],
    [
      'an unknown pool',
      { pools: { shop }, routes: { '/a': 'shopp', '/b': { pool: 'shopp' } } },
      [
        'understudy options: routes["/a"] no pool is called `shopp`; did you mean `shop`?',
        'understudy options: routes["/b"].pool no pool is called `shopp`; did you mean `shop`?',
      ],
    ],
    [
      'a wrong rewrite',
      { pools: { shop }, routes: { '/a': { pool: 'shop', rewrite: 'b' } } },
      [expect.stringMatching(/^understudy options: routes\["\/a"\]\.rewrite expected a path/)],
    ],
    [
      'a route to nothing',
      { pools: { shop }, routes: { '/a': null } },
      [expect.stringMatching(/^understudy options: routes\["\/a"\]/)],
    ],
    [
      'more than one pool without routes',
      { pools: { shop, other: shop } },
      ["understudy options: routes is required with more than one pool, as in { '/api/*': 'shop' }"],
    ],
    [
      'wrong prefix and upgrades',
      { pools: { shop }, prefix: 'x/', upgrades: 'no' },
      [
        'understudy options: prefix expected a path that starts with / and does not end with it, such as /shop',
        'understudy options: upgrades expected `true` or `false`',
      ],
    ],
    [
      'a wrong network',
      { pools: { shop }, trustedProxies: ['10.0.0.0/99'] },
      [expect.stringMatching(/^understudy options: trustedProxies\[0\] expected/)],
    ],
    [
      'an upstream that does not speak HTTP',
      { pools: { shop: { upstreams: [{ name: 'blue', url: 'tcp://10.0.0.1:1' }, upstreams[1]] } } },
      [
        'understudy options: pools.shop.upstreams[0].url is tcp://, but the application speaks HTTP: write ' +
          'http://host:port, https://host:port, h2://host:port, h2c://host:port or unix:/path',
      ],
    ],
  ])('with %s are refused, and told where', (_, options, expected) => {
    expect(problemsOf(options)).toEqual(expected)
  })

  it('are all judged at once', () => {
    expect(problemsOf({ pools: { shop: {} }, prefix: 'x', other: 1 }).length).toBe(3)
  })

  it('may be warned of', () => {
    expect(configFromOptions({ pools: { shop }, trustedProxies: ['0.0.0.0/0'] })).toMatchObject({
      ok: true,
      warnings: [{ path: 'trustedProxies[0]', message: expect.stringContaining('trusts everyone') }],
    })
  })
})
