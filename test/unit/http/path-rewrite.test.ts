import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pathRewrite, routedTarget } from '../../../src/http/path-rewrite.ts'

const routed = (path: string, to: string, target: string) => routedTarget(target, pathRewrite(path, to))

describe('a path that is rewritten', () => {
  test.each([
    ['/api/*', '/v1', '/api/items?x=/api/', '/v1/items?x=/api/'],
    ['/api/*', '/v1/', '/api/items', '/v1/items'],
    ['/api/*', '/v1', '/api/', '/v1/'],
    ['/api/*', '/', '/api/items', '/items'],
    ['/api/*', '/', '/api', '/'],
    ['/api/*', '/', '/api?x', '/?x'],
    ['/*', '/v1', '/', '/v1/'],
    ['/*', '/v1', '/items//x', '/v1/items//x'],
    ['/*', '/', '/items', '/items'],
    ['/old', '/new', '/old', '/new'],
    ['/old', '/new/', '/old?x#', '/new/?x#'],
    ['/old/', '/new', '/old/', '/new'],
    ['/api/*', '/v1', 'http://shop.test/api/x', 'http://shop.test/v1/x'],
    ['/api/*', '/v1', 'HTTP://shop.test/api?x', 'HTTP://shop.test/v1?x'],
  ])('by %s to %s makes of %s %s', (path, to, target, expected) => {
    expect(routed(path, to, target)).toBe(expected)
  })

  test.each([
    ['/api/*', '/%61pi/x'],
    ['/api/*', '/API/x'],
    ['/api/*', '//api/x'],
    ['/api/*', '/apis'],
    ['/old', '/old/'],
    ['/old', '/older'],
    ['/*', '*'],
  ])('by %s is not %s', (path, target) => {
    expect(routed(path, '/v1', target)).toEqual({ status: 400, reason: expect.stringContaining('spelt') })
  })

  test('keeps everything behind its prefix as it came', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9%_~-]{1,8}$/)
    fc.assert(
      fc.property(fc.array(segment), fc.constantFrom('', '?', '?a=b/../c'), (segments, query) => {
        const rest = segments.map((each) => `/${each}`).join('')
        expect(routed('/a/*', '/b', `/a${rest}${query}`)).toBe(`/b${rest}${query}`)
      }),
    )
  })
})

describe('dot segments', () => {
  test.each([
    '/..',
    '/.',
    '/a/../b',
    '/a/./b',
    '/a/..',
    '/a/%2e%2E/b',
    '/a/.%2e',
    '/a/..%2fb',
    '/a%2F../b',
    '/a/..\\b',
    '/a%5c..%5cb',
    '/a/..;x/b',
    '/a/..?b',
    'http://shop.test/a/../b',
  ])('in %s are refused', (target) => {
    expect(routedTarget(target, null)).toEqual({ status: 400, reason: 'dot segments in the path' })
  })

  test.each(['/a..b', '/...', '/.well-known/x', '/a/..b', '/a.', '/a/x%2e', '/a?b=/../c', '/a/%252e%252e/b', '*', '/'])(
    'are not in %s',
    (target) => {
      expect(routedTarget(target, null)).toBe(target)
    },
  )
})
