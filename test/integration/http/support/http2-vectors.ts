// Requests that are malformed in HTTP/2 (RFC 9113 §8.1–8.3), or that would mean something else once they are text. Each
// gives the frames behind the preface, for stream 1, and what must come of them.
import { END_HEADERS, END_STREAM, type FieldPairs, fieldBlock, frame, headers } from './raw-http2.ts'

/** A status, `reset` for RST_STREAM, `goaway` for the end of the connection; `passes` is the request as it must arrive. */
export type Expected = number | 'reset' | 'goaway' | { readonly passes: string }
export type Vector = { readonly name: string; readonly frames: readonly Buffer[]; readonly expected: Expected }

const METHOD = [':method', 'GET'] as const
const SCHEME = [':scheme', 'http'] as const
const PATH = [':path', '/'] as const
const AUTHORITY = [':authority', 'shop.test'] as const
export const GET: FieldPairs = [METHOD, SCHEME, PATH, AUTHORITY]
export const POST: FieldPairs = [[':method', 'POST'], SCHEME, PATH, AUTHORITY]

const withField = (name: string, value: string, base = GET): Buffer[] => [headers([...base, [name, value]])]
const replaced = (name: string, value: string): Buffer[] => [
  headers(GET.map(([key, old]) => (key === name ? [key, value] : [key, old]))),
]
const without = (name: string, ...more: FieldPairs): Buffer[] => [
  headers([...GET.filter(([key]) => key !== name), ...more]),
]
const body = (fields: FieldPairs, ...frames: readonly Buffer[]): Buffer[] => [
  headers([...POST, ...fields], { end: false }),
  ...frames,
]
const data = (text: string, end = true): Buffer => frame('DATA', end ? END_STREAM : 0, 1, text)
const trailers = (fields: FieldPairs, flags = END_HEADERS | END_STREAM): Buffer =>
  frame('HEADERS', flags, 1, fieldBlock(fields))

const inTwoFrames = (first: FieldPairs, second: FieldPairs): Buffer[] => [
  frame('HEADERS', END_STREAM, 1, fieldBlock(first)),
  frame('CONTINUATION', END_HEADERS, 1, fieldBlock(second)),
]

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n'

function vector(name: string, expected: Expected, frames: readonly Buffer[]): Vector {
  return { name, frames, expected }
}

/** node:http2 leaves such a field out before anyone sees it. What counts is that it never becomes a line of text. */
const LEFT_OUT = { passes: 'GET /' }

const requestLine: readonly Vector[] = [
  vector('a plain request', { passes: 'GET /' }, [headers(GET)]),
  vector('a line end in :path', 'reset', replaced(':path', `/ HTTP/1.1\r\nHost: shop.test\r\n\r\n${SMUGGLED}`)),
  vector('a blank in :path', 'reset', replaced(':path', '/ HTTP/1.1')),
  vector('a tab in :path', 'reset', replaced(':path', '/a\tb')),
  vector('NUL in :path', 'reset', replaced(':path', '/a\0b')),
  vector('a byte over 127 in :path', 400, replaced(':path', '/caf\xe9')),
  vector('a fragment in :path', 400, replaced(':path', '/a#b')),
  vector('an empty :path', 'reset', replaced(':path', '')),
  vector('a :path without a slash', 'reset', replaced(':path', 'admin')),
  vector('an absolute :path', 'reset', replaced(':path', 'http://other.test/')),
  vector('* for GET', 'reset', replaced(':path', '*')),
  vector('* for OPTIONS', { passes: 'OPTIONS *' }, [
    headers([[':method', 'OPTIONS'], SCHEME, [':path', '*'], AUTHORITY]),
  ]),
  vector('a :path over the limit', 414, replaced(':path', `/${'a'.repeat(9_000)}`)),
  vector('no :path', 'reset', without(':path')),
  vector('two of :path', 'reset', withField(':path', '/admin')),
  vector('a line end in :method', 'reset', replaced(':method', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET')),
  vector('a blank in :method', 'reset', replaced(':method', 'GET /admin')),
  vector('an empty :method', 'reset', replaced(':method', '')),
  vector('no :method', 'reset', without(':method')),
  vector('CONNECT', 501, [
    headers([
      [':method', 'CONNECT'],
      [':authority', 'db.test:5432'],
    ]),
  ]),
  vector('extended CONNECT, which is not offered', 'reset', [
    headers([[':method', 'CONNECT'], [':protocol', 'websocket'], SCHEME, PATH, AUTHORITY]),
  ]),
  vector('no :scheme', 'reset', without(':scheme')),
  vector('another :scheme', 400, replaced(':scheme', 'ftp')),
  vector('a line end in :scheme', 'reset', replaced(':scheme', 'http\r\nX: y')),
  vector('an unknown pseudo field', 'reset', [headers([[':version', 'HTTP/1.1'], ...GET])]),
  vector('the pseudo field of answers', 'reset', [headers([[':status', '200'], ...GET])]),
  vector('a pseudo field behind the others', 'reset', [headers([METHOD, SCHEME, PATH, ['x', 'y'], AUTHORITY])]),
]

const host: readonly Vector[] = [
  vector('host in place of :authority', { passes: 'GET /' }, without(':authority', ['host', 'shop.test'])),
  vector('host and :authority alike', { passes: 'GET /' }, withField('host', 'shop.test')),
  vector('host other than :authority', 400, withField('host', 'other.test')),
  vector('two of host', 'reset', without(':authority', ['host', 'shop.test'], ['host', 'other.test'])),
  vector('neither', 'reset', without(':authority')),
  vector('an empty :authority', 'reset', replaced(':authority', '')),
  vector('userinfo in :authority', 'reset', replaced(':authority', 'admin@shop.test')),
  vector('a path in :authority', 'reset', replaced(':authority', 'shop.test/admin')),
  vector('a line end in :authority', 'reset', replaced(':authority', 'shop.test\r\nX: y')),
  vector('a port over 65535 in :authority', 400, replaced(':authority', 'shop.test:99999')),
]

const fieldLines: readonly Vector[] = [
  vector('transfer-encoding', 'reset', [
    headers([...POST, ['transfer-encoding', 'chunked']], { end: false }),
    data(`0\r\n\r\n${SMUGGLED}`),
  ]),
  vector('connection', 'reset', withField('connection', 'content-length')),
  vector('proxy-connection', 'reset', withField('proxy-connection', 'keep-alive')),
  vector('keep-alive', 'reset', withField('keep-alive', 'timeout=5')),
  vector('upgrade', 'reset', withField('upgrade', 'h2c')),
  vector('te: gzip', 'reset', withField('te', 'gzip')),
  vector('te: trailers', { passes: 'GET /' }, withField('te', 'trailers')),
  vector('a capital letter in a name', 'reset', withField('X-Own', 'y')),
  vector('a line end in a name', LEFT_OUT, withField('x: y\r\ntransfer-encoding', 'chunked')),
  vector('a colon in a name', LEFT_OUT, withField('transfer-encoding: chunked\r\nx', 'y')),
  vector('a blank in a name', LEFT_OUT, withField('transfer-encoding ', 'chunked')),
  vector('an empty name', LEFT_OUT, withField('', 'y')),
  vector('a line end in a value', LEFT_OUT, withField('x', 'y\r\ntransfer-encoding: chunked')),
  vector('a bare LF in a value', LEFT_OUT, withField('x', `y\n\n${SMUGGLED}`)),
  vector('a bare CR in a value', LEFT_OUT, withField('x', 'y\rtransfer-encoding: chunked')),
  vector('NUL in a value', LEFT_OUT, withField('x', 'y\0z')),
  vector('a blank before a value', 400, withField('x', ' y')),
  vector('a blank behind a value', 400, withField('x', 'y\t')),
  vector('a cookie in 200 pieces', { passes: 'GET /' }, [
    headers([...GET, ...Array.from({ length: 200 }, (_, index) => ['cookie', `c${index}=1`] as const)]),
  ]),
  vector('an unknown expectation', 417, withField('expect', 'miracles')),
  vector('more fields than allowed', 431, [
    headers([...GET, ...Array.from({ length: 101 }, (_, index) => [`x${index}`, 'y'] as const)]),
  ]),
  vector('a head over the limit', 431, inTwoFrames([...GET, ['x', 'y'.repeat(9_000)]], [['z', 'y'.repeat(9_000)]])),
  vector(
    'a head far over the limit',
    431,
    inTwoFrames([...GET, ['x', 'y'.repeat(16_000)]], [['z', 'y'.repeat(16_000)]]),
  ),
]

const framing: readonly Vector[] = [
  vector('a body without a length', { passes: 'POST / one tea' }, body([], data('one tea'))),
  vector('a body in pieces', { passes: 'POST / one tea' }, body([], data('one ', false), data('', false), data('tea'))),
  vector('a body that looks like chunks', { passes: `POST / 0\r\n\r\n${SMUGGLED}` }, [
    ...body([], data(`0\r\n\r\n${SMUGGLED}`)),
  ]),
  vector(
    'a body as long as it says',
    { passes: 'POST / one tea' },
    body([['content-length', '7']], data('one ', false), data('tea')),
  ),
  vector('no body where none is announced', { passes: 'POST /' }, [headers([...POST, ['content-length', '0']])]),
  vector('an empty body, announced', { passes: 'POST /' }, body([['content-length', '0']], data(''))),
  vector('a body where none is announced', 'goaway', body([['content-length', '0']], data(SMUGGLED))),
  vector('a body longer than announced', 'goaway', body([['content-length', '3']], data(`abc${SMUGGLED}`))),
  vector('a body shorter than announced', 'reset', body([['content-length', '7']], data('one'))),
  vector('an announced body that is missing', 'reset', [headers([...POST, ['content-length', '7']])]),
  vector(
    'two lengths',
    'reset',
    body(
      [
        ['content-length', '7'],
        ['content-length', '7'],
      ],
      data('one tea'),
    ),
  ),
  vector('a list of lengths', 'reset', body([['content-length', '7, 7']], data('one tea'))),
  vector('a signed length', 'reset', body([['content-length', '+7']], data('one tea'))),
  vector('a length that is none', 'reset', body([['content-length', '0x7']], data('one tea'))),
  vector('trailers', { passes: 'POST / one tea' }, body([], data('one tea', false), trailers([['x-sum', '1']]))),
  vector(
    'trailers behind a body with a length',
    { passes: 'POST / one tea' },
    body([['content-length', '7']], data('one tea', false), trailers([['x-sum', '1']])),
  ),
  vector('a length among the trailers', 400, body([], data('one tea', false), trailers([['content-length', '7']]))),
  vector(
    'routing among the trailers',
    400,
    body([], data('one tea', false), trailers([['x-forwarded-for', '1.2.3.4']])),
  ),
  vector(
    'transfer-encoding among the trailers',
    'reset',
    body([], data('one tea', false), trailers([['transfer-encoding', 'chunked']])),
  ),
  vector('a pseudo field among the trailers', 'reset', body([], data('one tea', false), trailers([PATH]))),
  vector(
    'trailers that do not end the request',
    'reset',
    body([], data('one tea', false), trailers([['x-sum', '1']], END_HEADERS), data('more')),
  ),
]

export const VECTORS: readonly Vector[] = [...requestLine, ...host, ...fieldLines, ...framing]
