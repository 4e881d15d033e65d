import { describe, expect, it } from 'vitest'
import { outlineAt, outlineOfConfig } from '../../../src/config/outline.ts'
import { accepted, pair, problemsOf } from './support.ts'

const HTTP = ['http://a', 'http://b']
const routes = (...lines: readonly string[]): string =>
  pair(`front: { routes: [${lines.map((line) => `{ ${line} }`).join(', ')}] }`, HTTP)

function routeOf(line: string) {
  const listener = accepted(routes(line)).listeners.l
  return listener?.protocol === 'http' ? listener.front.routes[0] : undefined
}

describe('a local route', () => {
  it('answers, with 200 and plain text unless told otherwise', () => {
    expect(routeOf('path: /a, respond: {}')).toEqual({
      path: '/a',
      respond: { status: 200, body: '', type: 'text/plain; charset=utf-8' },
    })
    expect(routeOf('path: /a, methods: [GET], respond: { status: "503", body: "x\\ny", type: text/html }')).toEqual({
      path: '/a',
      methods: ['GET'],
      respond: { status: 503, body: 'x\ny', type: 'text/html' },
    })
  })

  it('redirects, with 308 unless told otherwise', () => {
    expect(routeOf('path: /a/*, redirect: { to: /b }')).toEqual({ path: '/a/*', redirect: { to: '/b', status: 308 } })
    for (const status of ['301', '"302"', '307', '308']) {
      const expected = { to: 'https://b.example/c?d#e', status: Number(status.replaceAll('"', '')) }
      expect(routeOf(`path: /a, redirect: { to: "https://b.example/c?d#e", status: ${status} }`)?.redirect).toEqual(
        expected,
      )
    }
  })

  it('goes to another pool, under another path if wanted', () => {
    expect(routeOf('path: /a/*, pool: p')).toEqual({ path: '/a/*', pool: 'p' })
    expect(routeOf('path: /a/*, pool: p, rewrite: /')).toEqual({ path: '/a/*', pool: 'p', rewrite: '/' })
  })

  it('does exactly one of these', () => {
    expect(problemsOf(routes('path: /a'))).toEqual([
      'u.yaml:2:59 listeners.l.front.routes[0] needs exactly one of `respond`, `redirect` and `pool`',
    ])
    expect(problemsOf(routes('path: /a, respond: {}, redirect: { to: /b }, pool: p'))).toEqual([
      'u.yaml:2:59 listeners.l.front.routes[0] needs exactly one of `respond`, `redirect` and `pool`, not 3',
    ])
  })

  it('is not said to lack what is only wrong', () => {
    expect(problemsOf(routes('path: /a, respond: yes'))).toEqual([
      expect.stringContaining('routes[0].respond expected a mapping (`key: value`), not text'),
    ])
    expect(problemsOf(routes('path: /a, redirect: { too: /b }'))).toEqual([
      expect.stringContaining('routes[0].redirect.to is required, for example /shop'),
      expect.stringContaining('routes[0].redirect.too unknown key `too`; did you mean `to`?'),
    ])
  })

  it('rewrites only what it passes on', () => {
    expect(problemsOf(routes('path: /a, respond: {}, rewrite: /b'))).toEqual([
      expect.stringContaining('routes[0].rewrite needs `pool`: only what is passed on can get another path'),
    ])
  })

  it('is the only one of its path', () => {
    expect(problemsOf(routes('path: /a, respond: {}', 'path: /a/*, respond: {}', 'path: /a, pool: p'))).toEqual([
      expect.stringContaining('listeners.l.front.routes[2].path has a route already: `routes[0]`'),
    ])
  })

  it.each([204, 205, 304])('has no body with status %i', (status) => {
    expect(problemsOf(routes(`path: /a, respond: { status: ${status}, body: x }`))).toEqual([
      expect.stringContaining(`respond.body cannot be sent with status ${status}, which has no body`),
    ])
    expect(problemsOf(routes(`path: /a, respond: { status: ${status} }`))).toEqual([])
  })

  it('has samples in the reference that are accepted together', () => {
    const samples = outlineAt(outlineOfConfig(), ['listeners', 'l', 'front', 'routes', 0])?.samples ?? []
    expect(samples.length).toBeGreaterThan(2)
    const upstreams = ['a', 'b'].map((name) => ({ name, url: `http://${name}` }))
    const config = {
      listeners: { l: { listen: ':1', pool: 'p', front: { routes: samples } } },
      pools: { p: { upstreams }, assets: { upstreams } },
    }
    expect(problemsOf(JSON.stringify(config))).toEqual([])
  })
})

describe('what a route may say', () => {
  it.each(['/', '/*', '/a', '/a/', '/a/*', '/a/b.c-d_e~f', "/!$&'()+,;=@"])('path %s', (path) => {
    expect(routeOf(`path: "${path}", respond: {}`)?.path).toBe(path)
  })

  it.each(['a', '', '*', '/a*', '/*/a', '/a/*/b', '/a?b', '/a#b', '/a b', '/a%20b', '/a:b', '/é', '/a\\r\\nb'])(
    'not path %s',
    (path) => {
      expect(problemsOf(routes(`path: "${path}", respond: {}`))).toEqual([
        expect.stringContaining(
          'routes[0].path expected a path that starts with /, without ?, #, % and :, and with * only as /* at its end',
        ),
      ])
    },
  )

  it.each([
    ['pool: p, rewrite: b', 'rewrite expected a path that starts with /'],
    ['pool: p, rewrite: /b/*', 'rewrite expected a path that starts with /'],
    ['pool: p, methods: []', 'methods expected at least one method; leave the key out for all of them'],
    ['pool: p, methods: [get]', 'methods[0] expected a method of HTTP in capital letters, such as GET'],
    ['pool: p, methods: [GET, BREW]', 'methods[1] expected a method of HTTP'],
    ['pool: p, methods: [CONNECT]', 'methods[0] expected a method of HTTP'],
    ['pool: p, methods: GET', 'methods expected a list of methods, such as [GET, HEAD]'],
    ['respond: { status: 199 }', 'respond.status expected a whole number from 200 to 599'],
    ['respond: { status: 600 }', 'respond.status expected a whole number from 200 to 599'],
    ['respond: { body: 5 }', 'respond.body expected text (put numbers in quotes)'],
    ['respond: { type: html }', 'respond.type expected a media type'],
    ['respond: { type: "text/html\\r\\nSet-Cookie: a=b" }', 'respond.type expected a media type'],
    ['redirect: { to: b.example }', 'redirect.to expected a path that starts with / or a URL'],
    ['redirect: { to: "javascript:alert(1)" }', 'redirect.to expected a path that starts with / or a URL'],
    ['redirect: { to: "https://" }', 'redirect.to expected a path that starts with / or a URL'],
    ['redirect: { to: "/b\\r\\nSet-Cookie: a=b" }', 'redirect.to expected a path that starts with / or a URL'],
    ['redirect: { to: /b, status: 303 }', 'redirect.status expected one of `301`, `302`, `307`, `308`'],
  ])('not %s', (keys, message) => {
    expect(problemsOf(routes(`path: /a, ${keys}`))).toEqual([expect.stringContaining(`routes[0].${message}`)])
  })
})
