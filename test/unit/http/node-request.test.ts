import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { bodyFollows, nodeHead, nodeTrailers, streamFields } from '../../../src/http/node-request.ts'

/** As Node's parser leaves it. */
function message(rawHeaders: string[], more: Partial<IncomingMessage> = {}): IncomingMessage {
  const headers = Object.fromEntries(
    rawHeaders.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), rawHeaders[i + 1]]])),
  )
  return { method: 'PUT', httpVersion: '1.1', headers, rawHeaders, ...more } as IncomingMessage
}

describe('a head', () => {
  test('has the fields as they came, and the target that it is given', () => {
    const request = message(['Host', 'a', 'X-CaSe', ' 1', 'x-case', 'caf\xe9'], { url: '/never' })
    expect(nodeHead(request, '/x?y', false)).toBe(
      'PUT /x?y HTTP/1.1\r\nHost: a\r\nX-CaSe:  1\r\nx-case: caf\xe9\r\n\r\n',
    )
  })

  test('has the version that came, whatever that is, for the strict parser to judge', () => {
    expect(nodeHead(message([], { httpVersion: '1.0' }), '/', false)).toBe('PUT / HTTP/1.0\r\n\r\n')
    expect(nodeHead(message([], { httpVersion: '2.0' }), '/', false)).toBe('PUT / HTTP/2.0\r\n\r\n')
  })

  test('expects to be told to continue only where nobody has said so', () => {
    const request = message(['eXpect', '100-continue'])
    expect(nodeHead(request, '/', true)).toContain('eXpect: 100-continue\r\n')
    expect(nodeHead(request, '/', false)).toBe('PUT / HTTP/1.1\r\n\r\n')
  })
})

test.each([
  [['Content-Length', '0'], false],
  [['Content-Length', '7'], true],
  [['Transfer-Encoding', 'chunked'], true],
  [['Content-Type', 'a/b'], false],
])('behind %j a body follows: %s', (fields, follows) => {
  expect(bodyFollows(message(fields))).toBe(follows)
})

test('a stream has another path, and nothing to expect', () => {
  const rawHeaders = [':method', 'PUT', ':path', '/never', 'x-path', ':path', 'expect', '100-continue', 'cookie', 'a']
  expect(streamFields({ rawHeaders }, '/x')).toEqual([
    ':method',
    'PUT',
    ':path',
    '/x',
    'x-path',
    ':path',
    'cookie',
    'a',
  ])
})

describe('trailers', () => {
  test('are lines as they came', () => {
    expect(nodeTrailers({ rawTrailers: ['X-Sum', '1', 'x-sum', '2'] })).toBe('X-Sum: 1\r\nx-sum: 2\r\n')
  })

  test('are none where there is no connection that they could come by', () => {
    expect(nodeTrailers({})).toBe('')
  })

  test.each([[['Connection', 'close']], [['X-Sum', 'a\r\nb']], [['X Sum', '1']]])('are not %j', (rawTrailers) => {
    expect(nodeTrailers({ rawTrailers })).toMatchObject({ status: 400 })
  })
})
