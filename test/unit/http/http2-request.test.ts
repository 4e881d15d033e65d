// RFC 9113 §8.2–8.3: a list of fields becomes exactly one request head, or nothing.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalHead, canonicalTrailers } from '../../../src/http/http2-request.ts'
import { DEFAULT_HEAD_LIMITS } from '../../../src/wire/limits.ts'
import { RequestHead } from '../../../src/wire/request-head.ts'

type Pairs = readonly (readonly [string, string])[]
const GET: Pairs = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
  [':authority', 'shop.test'],
]

function read(fields: Pairs, bodyFollows = false) {
  return canonicalHead(fields.flat(), DEFAULT_HEAD_LIMITS, bodyFollows)
}
const having = (...more: Pairs): Pairs => [...GET, ...more]
const replaced = (name: string, value: string): Pairs => GET.map(([key, old]) => [key, key === name ? value : old])
const without = (...names: string[]): Pairs => GET.filter(([name]) => !names.includes(name))

function statusOf(fields: Pairs): number | string {
  const head = read(fields)
  return typeof head === 'string' ? head : head.status
}

describe('a list of fields', () => {
  it('becomes a head of HTTP/1.1', () => {
    const head = read(having(['accept', '*/*'], ['x-own', 'a b\tc\xe9']))
    expect(head).toBe('GET / HTTP/1.1\r\nHost: shop.test\r\naccept: */*\r\nx-own: a b\tc\xe9\r\n\r\n')
  })

  it('has its pseudo fields in any order', () => {
    expect(read([...GET].reverse())).toBe('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
  })

  it('may name its host in either way, or in both alike', () => {
    const expected = 'GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n'
    expect(read([...without(':authority'), ['host', 'shop.test']])).toBe(expected)
    expect(read(having(['host', 'SHOP.test']))).toBe(expected)
  })

  it('has its cookies put together again (§8.2.3)', () => {
    const head = read(having(['cookie', 'a=1'], ['accept', '*/*'], ['cookie', 'b=2; c=3']))
    expect(head).toContain('\r\nCookie: a=1; b=2; c=3\r\n')
  })

  it('without a length is chunked when a body follows, and only then', () => {
    expect(read(GET, true)).toContain('\r\nTransfer-Encoding: chunked\r\n')
    expect(read(having(['content-length', '3']), true)).not.toContain('Transfer-Encoding')
    expect(read(GET, false)).not.toContain('Transfer-Encoding')
  })

  it('may ask for * with OPTIONS', () => {
    expect(read([...replaced(':path', '*').slice(1), [':method', 'OPTIONS']])).toMatch(/^OPTIONS \* HTTP\/1\.1\r\n/)
  })

  it('may accept trailers', () => {
    expect(read(having(['te', 'trailers']))).toContain('te: trailers')
  })
})

describe('refused is', () => {
  const refused: readonly (readonly [string, Pairs, number])[] = [
    ['no :method', without(':method'), 400],
    ['no :scheme', without(':scheme'), 400],
    ['no :path', without(':path'), 400],
    ['neither :authority nor host', without(':authority'), 400],
    ['nothing at all', [], 400],
    ['two of :method', having([':method', 'GET']), 400],
    ['two of :authority', having([':authority', 'shop.test']), 400],
    ['an unknown pseudo field', [[':protocol', 'websocket'], ...GET], 400],
    ['the pseudo field of answers', [[':status', '200'], ...GET], 400],
    ['a pseudo field behind another field', [['x', 'y'], ...GET], 400],
    ['a pseudo field behind host', [...GET.slice(0, 3), ['host', 'shop.test'], [':authority', 'shop.test']], 400],
    ['a pseudo field behind an empty cookie', [...GET.slice(0, 3), ['cookie', ''], [':authority', 'shop.test']], 400],
    ['CONNECT', [...without(':scheme', ':path', ':method'), [':method', 'CONNECT']], 501],
    ['a method that is no token', replaced(':method', 'GE T'), 400],
    ['a method with a line end', replaced(':method', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET'), 400],
    ['an empty method', replaced(':method', ''), 400],
    ['another scheme', replaced(':scheme', 'ftp'), 400],
    ['an empty path', replaced(':path', ''), 400],
    ['a path with a blank', replaced(':path', '/ HTTP/1.1'), 400],
    ['a path with a line end', replaced(':path', '/\r\nX:y'), 400],
    ['a path with NUL', replaced(':path', '/\0'), 400],
    ['a path with a byte over 126', replaced(':path', '/\x7f'), 400],
    ['a path without a slash', replaced(':path', 'admin'), 400],
    ['an absolute path', replaced(':path', 'http://shop.test/'), 400],
    ['* for GET', replaced(':path', '*'), 400],
    ['an empty authority', replaced(':authority', ''), 400],
    ['an authority with userinfo', replaced(':authority', 'admin@shop.test'), 400],
    ['an authority with a line end', replaced(':authority', 'shop.test\r\nX: y'), 400],
    ['another host than the authority', having(['host', 'other.test']), 400],
    ['two of host', having(['host', 'shop.test'], ['host', 'shop.test']), 400],
    ['two lengths', having(['content-length', '3'], ['content-length', '3']), 400],
    ['a length that is none', having(['content-length', '+3']), 400],
    ['an empty length', having(['content-length', '']), 400],
    ['te other than trailers', having(['te', 'gzip']), 400],
    ['transfer-encoding', having(['transfer-encoding', 'chunked']), 400],
    ['connection', having(['connection', 'close']), 400],
    ['proxy-connection', having(['proxy-connection', 'close']), 400],
    ['keep-alive', having(['keep-alive', 'timeout=5']), 400],
    ['upgrade', having(['upgrade', 'h2c']), 400],
    ['a name with a capital letter', having(['X-Own', 'y']), 400],
    ['a name with a colon', having(['x: y', 'z']), 400],
    ['a name with a line end', having(['x\r\ny', 'z']), 400],
    ['an empty name', having(['', 'z']), 400],
    ['a value with a line end', having(['x', 'y\r\ntransfer-encoding: chunked']), 400],
    ['a value with a bare LF', having(['x', 'y\nz']), 400],
    ['a value with a bare CR', having(['x', 'y\rz']), 400],
    ['a value with NUL', having(['x', 'y\0z']), 400],
    ['a value with a blank before it', having(['x', ' y']), 400],
    ['a value with a tab behind it', having(['x', 'y\t']), 400],
    ['a cookie with a line end', having(['cookie', 'a=1\r\nX: y']), 400],
    ['a head over the limit', having(['x', 'y'.repeat(16_384)]), 431],
  ]

  it.each(refused)('%s', (_, fields, status) => {
    expect(statusOf(fields)).toBe(status)
  })
})

describe('trailers', () => {
  it('become field lines', () => {
    expect(canonicalTrailers(['x-sum', '1', 'x-sum', '2'])).toBe('x-sum: 1\r\nx-sum: 2\r\n')
    expect(canonicalTrailers([])).toBe('')
  })

  it.each([
    [':path', '/'],
    ['X-Sum', '1'],
    ['connection', 'close'],
    ['x', 'y\r\n\r\nGET / HTTP/1.1'],
    ['x: y', 'z'],
  ])('with %j: %j are refused', (name, value) => {
    expect(canonicalTrailers(['x-sum', '1', name, value])).toMatchObject({ status: 400 })
  })
})

describe('whatever the fields', () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 12,
  })
  const evil = fc.constantFrom(
    '\r\n',
    '\r\n\r\n',
    'transfer-encoding',
    'content-length',
    'host',
    ': ',
    '0',
    'chunked',
    ' ',
    '\0',
  )
  const text = fc.oneof(
    bytes,
    fc.array(fc.oneof(evil, bytes), { maxLength: 4 }).map((parts) => parts.join('')),
  )
  const name = fc.oneof(
    text,
    fc.constantFrom('x', 'host', 'cookie', 'content-length', 'te', ':path', ':method', 'expect'),
  )

  /** What the strict reader of HTTP/1.1 makes of it must be what the list said. */
  it('a head says what they said, and nothing else', () => {
    let passed = 0
    const property = fc.property(
      fc.array(fc.tuple(name, text), { maxLength: 4 }),
      fc.oneof(
        fc.constant('/'),
        text.map((path) => `/${path}`),
      ),
      fc.boolean(),
      (more, path, bodyFollows) => {
        const fields = [...replaced(':path', path), ...more]
        const head = read(fields, bodyFollows)
        if (typeof head !== 'string') return
        const parsed = new RequestHead()
        if (parsed.parse(head, DEFAULT_HEAD_LIMITS) !== null) return
        passed++
        expect(head.indexOf('\r\n\r\n')).toBe(head.length - 4)
        expect([parsed.method, parsed.target, parsed.host]).toEqual(['GET', path, 'shop.test'])
        const lines = Array.from({ length: parsed.fields.count }, (_, i) => [
          parsed.fields.name(i),
          parsed.fields.value(i),
        ])
        const cookies = more.filter(([key]) => key === 'cookie').map(([, value]) => value)
        const length = more.some(([key]) => key === 'content-length')
        expect(lines).toEqual([
          ['Host', 'shop.test'],
          ...more.filter(([key]) => key !== 'cookie' && key !== 'host'),
          ...(cookies.length > 0 ? [['Cookie', cookies.join('; ').trim()]] : []),
          ...(bodyFollows && !length ? [['Transfer-Encoding', 'chunked']] : []),
        ])
      },
    )
    fc.assert(property, { numRuns: 3_000, seed: 9_113 })
    expect(passed).toBeGreaterThan(300)
  })
})
