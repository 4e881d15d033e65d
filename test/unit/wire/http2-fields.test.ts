// Header lists of HTTP/2 as text of HTTP/1.1, and back: either the same message, or none.
import { STATUS_CODES } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HeaderList } from '../../../src/wire/http2-fields.ts'
import { requestList, responseText, trailerRecord, trailerText } from '../../../src/wire/http2-fields.ts'
import { DEFAULT_HEAD_LIMITS } from '../../../src/wire/limits.ts'
import { RequestHead } from '../../../src/wire/request-head.ts'
import { ResponseHead } from '../../../src/wire/response-head.ts'

const LIMITS = { ...DEFAULT_HEAD_LIMITS, fields: 1_000 }
const OK = [':status', '200']

function request(text: string): RequestHead {
  const head = new RequestHead()
  expect(head.parse(text, LIMITS)).toBeNull()
  return head
}

const linesOf = (head: ResponseHead): [string, string][] =>
  Array.from({ length: head.fields.count }, (_, i) => [head.fields.name(i), head.fields.value(i)])

describe('a response', () => {
  test.each<[string, HeaderList, string, boolean, string]>([
    ['with a length', [...OK, 'content-length', '3'], 'GET', false, 'content-length: 3\r\n'],
    ['without one', [...OK, 'x', 'y'], 'GET', false, 'x: y\r\nTransfer-Encoding: chunked\r\n'],
    ['that has ended', OK, 'GET', true, 'Content-Length: 0\r\n'],
    ['that has ended with a length', [...OK, 'content-length', '0'], 'GET', true, 'content-length: 0\r\n'],
    ['to HEAD', OK, 'HEAD', true, ''],
    ['to HEAD that has not ended', OK, 'HEAD', false, ''],
    ['204', [':status', '204'], 'GET', false, ''],
    ['304', [':status', '304'], 'GET', true, ''],
    ['103', [':status', '103', 'link', '</x>'], 'GET', false, 'link: </x>\r\n'],
    ['with an empty field', [...OK, 'x', ''], 'GET', true, 'x: \r\nContent-Length: 0\r\n'],
  ])('%s', (_, list, method, ended, lines) => {
    expect(responseText(list, method, ended)).toEqual({
      problem: null,
      text: `HTTP/1.1 ${list[1]} ${STATUS_CODES[`${list[1]}`]}\r\n${lines}\r\n`,
    })
  })

  test('with a status that nobody has named', () => {
    expect(responseText([':status', '299'], 'GET', true).text).toBe('HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n')
  })

  test.each<[string, HeaderList]>([
    ['no :status', ['x', 'y']],
    ['more than one :status', [...OK, ...OK]],
    [':status behind other fields', ['x', 'y', ...OK]],
    ['malformed :status', [':status', '20']],
    ['malformed :status', [':status', '2000']],
    ['malformed :status', [':status', '600']],
    ['malformed :status', [':status', '200 OK']],
    ['a pseudo field out of place', [...OK, ':path', '/']],
    ['malformed field name', [...OK, 'X', 'y']],
    ['malformed field name', [...OK, '', 'y']],
    ['malformed field name', [...OK, 'a b', 'y']],
    ['malformed field name', [...OK, 'a:b', 'y']],
    ['malformed field name', [...OK, 'a\r\nb', 'y']],
    ['connection in HTTP/2', [...OK, 'connection', 'x']],
    ['transfer-encoding in HTTP/2', [...OK, 'transfer-encoding', 'chunked']],
    ['te in HTTP/2', [...OK, 'te', 'trailers']],
    ['control character in x', [...OK, 'x', 'a\r\nset-cookie: b']],
    ['control character in x', [...OK, 'x', 'a\nb']],
    ['control character in x', [...OK, 'x', 'a\0b']],
    ['blanks around x', [...OK, 'x', ' y']],
    ['blanks around x', [...OK, 'x', 'y\t']],
  ])('is refused: %s', (problem, list) => {
    expect(responseText(list, 'GET', false)).toEqual({ problem, text: '' })
  })

  test('whatever the list says is what is read from the text, or there is none', () => {
    const piece = fc.oneof(
      fc.constantFrom('', ':', ' ', '\r\n', '\n', '\0', '\t', 'x', 'X', ': y', 'caf\xe9', ':status', '200'),
      fc.constantFrom('content-length', '0', '3', 'transfer-encoding', 'chunked', 'connection', 'upgrade', '\r\n\r\n'),
    )
    const word = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''))
    let read = 0
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 6 }), fc.boolean(), (fields, ended) => {
        const { problem, text } = responseText([...OK, ...fields.flat()], 'GET', ended)
        const head = new ResponseHead()
        if (problem !== null || head.parse(text, 'GET', LIMITS) !== null) return
        read++
        const own = linesOf(head).filter(([name]) => name !== 'Transfer-Encoding' && name !== 'Content-Length')
        expect(own).toEqual(fields)
        expect([head.status, text.indexOf('\r\n\r\n')]).toEqual([200, text.length - 4])
      }),
      { numRuns: 3_000, seed: 1 },
    )
    expect(read).toBeGreaterThan(100)
  })
})

describe('a request', () => {
  const listOf = (lines: string, authority = 'fallback:80') =>
    requestList(request(`GET /tea?x HTTP/1.1\r\n${lines}\r\n`), 'https', authority)

  test('has its line and Host as pseudo fields first, and asks for trailers last', () => {
    expect(listOf('Host: shop.test:8080\r\nAccept: */*\r\n')).toEqual(
      [
        ':method GET',
        ':scheme https',
        ':authority shop.test:8080',
        ':path /tea?x',
        'accept */*',
        'te trailers',
      ].flatMap((field) => field.split(' ')),
    )
  })

  test('leaves out what belongs to a connection, whatever its case', () => {
    const lines =
      'Host: a\r\nConnection: Upgrade\r\nUPGRADE: websocket\r\nTransfer-Encoding: chunked\r\nKeep-Alive: x\r\n' +
      'Proxy-Connection: x\r\nTE: gzip\r\nHTTP2-Settings: x\r\nX-Kept: 1\r\n'
    expect(listOf(lines).slice(8)).toEqual(['x-kept', '1', 'te', 'trailers'])
  })

  test('keeps order, repetition, length and expectation', () => {
    const lines = 'Host: a\r\nX-A: 1\r\nContent-Length: 3\r\nX-B: 2\r\nX-A: 3\r\nExpect: 100-continue\r\n'
    expect(listOf(lines).slice(8, -2)).toEqual([
      'x-a',
      '1',
      'content-length',
      '3',
      'x-b',
      '2',
      'x-a',
      '3',
      'expect',
      '100-continue',
    ])
  })

  test('with an empty Host has the name of the upstream instead', () => {
    expect(listOf('Host: \r\n').slice(4, 6)).toEqual([':authority', 'fallback:80'])
  })
})

describe('trailers', () => {
  test('are lines', () => {
    expect(trailerText(['grpc-status', '0', 'x', ''])).toEqual({ problem: null, text: 'grpc-status: 0\r\nx: \r\n' })
    expect(trailerText([])).toEqual({ problem: null, text: '' })
  })

  test.each<[string, HeaderList]>([
    ['a pseudo field out of place', [':status', '200']],
    ['connection in HTTP/2', ['connection', 'x']],
    ['control character in x', ['x', 'a\r\nb: c']],
  ])('are refused: %s', (problem, list) => {
    expect(trailerText(list)).toEqual({ problem, text: '' })
  })

  test('are given to node:http2 by name, without those that it throws on', () => {
    expect({ ...trailerRecord('X-Sum: 1\r\nx-sum: 2\r\nHTTP2-Settings: x\r\nX-Other: 3\r\n') }).toEqual({
      'x-sum': ['1', '2'],
      'x-other': ['3'],
    })
  })

  test('may have any name', () => {
    const record = trailerRecord('__proto__: 1\r\nconstructor: 2\r\n')
    expect(Object.entries(record)).toEqual([
      ['__proto__', ['1']],
      ['constructor', ['2']],
    ])
  })
})
