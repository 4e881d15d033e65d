// Several requests on one connection, and clients of HTTP/1.0. RFC 9112 section 9.

import {
  cutOff,
  either,
  forwarded,
  get,
  head,
  mayRefuse,
  post,
  refused,
  silently,
  thenRefused,
  type Vector,
  vector,
} from './vector.ts'

const PIPE = 'RFC 9112 9.3.2: answers in the order of the requests'
const STOP = 'what follows a bad request is not a request'
const OLD = 'RFC 9112 9.3: HTTP/1.0 closes unless it asks for keep-alive'

const to = (target: string, method = 'GET', body = ''): string =>
  `${head(`${method} ${target} HTTP/1.1`, 'Host: example.test', ...(body ? [`Content-Length: ${body.length}`] : []))}${body}`
const chunkedTo = (target: string): string =>
  `${head(`POST ${target} HTTP/1.1`, 'Host: example.test', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`
const twenty = Array.from({ length: 20 }, (_, i) => `/p/${i}`)

const pipelining: Vector[] = [
  vector(
    'two requests in one write',
    PIPE,
    to('/p/1') + to('/p/2'),
    forwarded({ target: '/p/1' }, { target: '/p/2' }),
    { seen: { closed: false } },
  ),
  vector(
    'twenty requests in one write',
    PIPE,
    twenty.map((target) => to(target)).join(''),
    forwarded(...twenty.map((target) => ({ target }))),
  ),
  vector(
    'a POST between two GETs',
    PIPE,
    to('/p/1') + to('/p/2', 'POST', 'hello') + to('/p/3'),
    forwarded({ target: '/p/1' }, { target: '/p/2', method: 'POST', body: 'hello' }, { target: '/p/3' }),
  ),
  vector(
    'a chunked POST between two GETs',
    PIPE,
    to('/p/1') + chunkedTo('/p/2') + to('/p/3'),
    forwarded({ target: '/p/1' }, { target: '/p/2', method: 'POST', body: 'hello' }, { target: '/p/3' }),
  ),
  vector(
    'a HEAD between two GETs',
    PIPE,
    to('/p/1') + to('/p/2', 'HEAD') + to('/p/3'),
    forwarded({ target: '/p/1' }, { target: '/p/2', method: 'HEAD' }, { target: '/p/3' }),
  ),
  vector(
    'a large body before a GET',
    PIPE,
    to('/p/1', 'POST', 'y'.repeat(200_000)) + to('/p/2'),
    forwarded({ target: '/p/1', method: 'POST', body: 'y'.repeat(200_000) }, { target: '/p/2' }),
  ),
  vector(
    'the client ends after two requests',
    PIPE,
    to('/p/1') + to('/p/2'),
    forwarded({ target: '/p/1' }, { target: '/p/2' }),
    { end: true },
  ),
  vector(
    'a request after Connection: close is not served',
    'RFC 9112 9.6',
    get('Connection: close') + to('/p/2'),
    forwarded({}),
    { seen: { closed: true } },
  ),
  vector(
    'a malformed second request',
    STOP,
    `${to('/p/1')}GET  /p/2 HTTP/1.1\r\nHost: example.test\r\n\r\n`,
    thenRefused(forwarded({ target: '/p/1' }), 400),
  ),
  vector(
    'a second request with two framings',
    STOP,
    to('/p/1') + post('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    thenRefused(forwarded({ target: '/p/1' }), 400),
  ),
  vector(
    'a third request without Host',
    STOP,
    `${to('/p/1') + to('/p/2')}GET /p/3 HTTP/1.1\r\n\r\n`,
    thenRefused(forwarded({ target: '/p/1' }, { target: '/p/2' }), 400),
  ),
  vector(
    'garbage after a request',
    STOP,
    `${to('/p/1')}garbage\r\n\r\n`,
    thenRefused(forwarded({ target: '/p/1' }), 400, 505),
  ),
  vector(
    'bytes beyond Content-Length are the next request',
    STOP,
    `${to('/p/1', 'POST', 'hello')}x GET /p/2 HTTP/1.1\r\n\r\n`,
    thenRefused(forwarded({ target: '/p/1', method: 'POST', body: 'hello' }), 400, 505),
  ),
  vector(
    'bytes beyond the last chunk are the next request',
    STOP,
    `${chunkedTo('/p/1')}0\r\n\r\n`,
    thenRefused(forwarded({ target: '/p/1', method: 'POST', body: 'hello' }), 400, 505),
  ),
  vector(
    'a CRLF after a body',
    'RFC 9112 2.2: old clients send one; ignoring it is allowed',
    `${to('/p/1', 'POST', 'hello')}\r\n${to('/p/2')}`,
    mayRefuse(forwarded({ target: '/p/1', method: 'POST', body: 'hello' }, { target: '/p/2' }), 400),
  ),
  vector(
    'a good request after a malformed one is not served',
    STOP,
    `GET /bad\x00 HTTP/1.1\r\nHost: example.test\r\n\r\n${to('/p/2')}`,
    refused(400),
  ),
  vector(
    'a good request after a body with a bad chunk is not served',
    STOP,
    post(`zz\r\n${to('/p/2')}`, 'Transfer-Encoding: chunked'),
    cutOff(400),
  ),
  vector(
    'a good request after a refused expectation is not served',
    STOP,
    post(`hello${to('/p/2')}`, 'Expect: x', 'Content-Length: 5'),
    refused(417),
  ),
  vector(
    'a good request after a refused coding is not served',
    STOP,
    post(`hello${to('/p/2')}`, 'Transfer-Encoding: gzip, chunked'),
    refused(501),
  ),
  vector(
    'the second head is cut off by the end',
    STOP,
    `${to('/p/1')}GET /p/2 HTT`,
    silently(thenRefused(forwarded({ target: '/p/1' }), 400, 408)),
    { end: true },
  ),
]

const old = (...fields: string[]): string => head('GET /vector HTTP/1.0', ...fields)
const CHUNKED = { bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n' }

const http10: Vector[] = [
  vector('HTTP/1.0 is answered and closed', OLD, old('Host: example.test'), forwarded(), { seen: { closed: true } }),
  vector(
    'HTTP/1.0 without Host is served',
    'RFC 9112 3.2: Host is required in 1.1 only',
    old(),
    either([400], { host: null }),
    { seen: { closed: true } },
  ),
  vector(
    'HTTP/1.0 with two Hosts is refused',
    'RFC 9112 3.2',
    old('Host: example.test', 'Host: other.test'),
    refused(400),
  ),
  vector('HTTP/1.0 with keep-alive stays open', OLD, old('Host: example.test', 'Connection: keep-alive'), forwarded(), {
    seen: { closed: false },
  }),
  vector(
    'HTTP/1.0 with Keep-Alive in another case stays open',
    OLD,
    old('Host: example.test', 'Connection: Keep-Alive'),
    forwarded(),
    { seen: { closed: false } },
  ),
  vector(
    'HTTP/1.0 with Proxy-Connection only is closed',
    'RFC 9112 C.2.2',
    old('Host: example.test', 'Proxy-Connection: keep-alive'),
    forwarded(),
    { seen: { closed: true } },
  ),
  vector('HTTP/1.0 never gets chunks', 'RFC 9112 6.1', old('Host: example.test'), forwarded(), {
    answer: CHUNKED,
    seen: { body: 'hello world', closed: true },
  }),
  vector(
    'HTTP/1.0 with keep-alive never gets chunks',
    'RFC 9112 6.1',
    old('Host: example.test', 'Connection: keep-alive'),
    forwarded(),
    { answer: CHUNKED, seen: { body: 'hello world' } },
  ),
  vector(
    'HTTP/1.0 with a body',
    OLD,
    `${head('POST /vector HTTP/1.0', 'Host: example.test', 'Content-Length: 5')}hello`,
    forwarded({ method: 'POST', body: 'hello' }),
    { seen: { closed: true } },
  ),
  vector(
    'an HTTP/1.0 body without a length is not read',
    'RFC 9112 6.3: no framing, no body',
    `${head('POST /vector HTTP/1.0', 'Host: example.test')}hello`,
    either([400, 411], { method: 'POST' }),
    { seen: { closed: true } },
  ),
  vector(
    'two HTTP/1.0 keep-alive requests',
    OLD,
    old('Host: example.test', 'Connection: keep-alive').repeat(2),
    forwarded({}, {}),
    { seen: { closed: false } },
  ),
  vector('an HTTP/0.9 request is refused', 'no HTTP/0.9', 'GET /vector\r\n\r\n', refused(400, 505)),
]

export const connectionVectors: readonly Vector[] = [...pipelining, ...http10]
