// Request line: method, spaces, target forms, version. RFC 9112 section 3, RFC 9110 section 4 and 7.

import { either, forwarded, head, refused, type Vector, vector } from './vector.ts'

const HOST = 'Host: example.test'
const line = (text: string): string => head(text, HOST)
const CRLF_RULE = 'RFC 9112 2.2: a bare CR or LF is not a line end for us'
const SPACES = 'RFC 9112 3: exactly one SP between the three parts, anything else invites a second reading'
const VERSION = 'RFC 9112 2.3: HTTP-version is case-sensitive, two digits'
const TARGET = 'RFC 9112 3.2: the target has no whitespace, controls, fragment or bytes above 0x7e'

const methods: Vector[] = [
  ...['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'M-SEARCH'].map((method) =>
    vector(`method ${method} is passed on`, 'RFC 9110 9.1', line(`${method} /vector HTTP/1.1`), {
      ...forwarded({ method }),
    }),
  ),
  vector(
    'HEAD is passed on and its answer has no body',
    'RFC 9110 9.3.2',
    line('HEAD /vector HTTP/1.1'),
    forwarded({ method: 'HEAD' }),
  ),
  vector(
    'OPTIONS with a path is passed on',
    'RFC 9110 9.3.7',
    line('OPTIONS /vector HTTP/1.1'),
    forwarded({ method: 'OPTIONS' }),
  ),
  vector(
    'OPTIONS * is passed on',
    'RFC 9112 3.2.4',
    line('OPTIONS * HTTP/1.1'),
    forwarded({ method: 'OPTIONS', target: '*' }),
  ),
  vector(
    'TRACE is passed on or refused',
    'RFC 9110 9.3.8',
    line('TRACE /vector HTTP/1.1'),
    either([400, 405, 501], { method: 'TRACE' }),
  ),
  vector(
    'a lower-case method keeps its case',
    'RFC 9110 9.1: case-sensitive',
    line('get /vector HTTP/1.1'),
    either([400, 501], { method: 'get' }),
  ),
  vector(
    'a method of any token characters keeps them',
    'RFC 9110 5.6.2',
    line("!#$%&'*+-.^_`|~ /vector HTTP/1.1"),
    either([400, 501], { method: "!#$%&'*+-.^_`|~" }),
  ),
  vector(
    'CONNECT with an authority is refused',
    'a reverse proxy opens no tunnels',
    line('CONNECT example.test:443 HTTP/1.1'),
    refused(400, 405, 501),
  ),
  vector('CONNECT with a path is refused', 'RFC 9112 3.2.3', line('CONNECT /vector HTTP/1.1'), refused(400, 405, 501)),
  ...['G(T', 'GE\tT', 'G@T', 'G/T', 'GÉT', 'G\x00T', '"GET"', 'GET:', '{GET}'].map((method) =>
    vector(
      `method ${JSON.stringify(method)} is refused`,
      'RFC 9110 9.1: a method is a token',
      line(`${method} /vector HTTP/1.1`),
      refused(400, 501),
    ),
  ),
  vector('an empty method is refused', SPACES, line(' /vector HTTP/1.1'), refused(400)),
]

const spaces: Vector[] = [
  vector('two spaces before the target', SPACES, line('GET  /vector HTTP/1.1'), refused(400)),
  vector('two spaces before the version', SPACES, line('GET /vector  HTTP/1.1'), refused(400, 505)),
  vector('a space after the version', SPACES, line('GET /vector HTTP/1.1 '), refused(400, 505)),
  vector('a tab for the first space', SPACES, line('GET\t/vector HTTP/1.1'), refused(400, 501, 505)),
  vector('a tab for the second space', SPACES, line('GET /vector\tHTTP/1.1'), refused(400, 505)),
  vector('a leading space before the method', SPACES, line(' GET /vector HTTP/1.1'), refused(400)),
  vector('a space inside the target', SPACES, line('GET /a b HTTP/1.1'), refused(400, 505)),
  vector('a second version', SPACES, line('GET /vector HTTP/1.1 HTTP/1.1'), refused(400, 505)),
  vector('a vertical tab for a space', SPACES, line('GET\x0b/vector HTTP/1.1'), refused(400, 501, 505)),
  vector('the request line ends in a bare LF', CRLF_RULE, `GET /vector HTTP/1.1\n${HOST}\r\n\r\n`, refused(400, 505)),
  vector('all lines end in bare LF', CRLF_RULE, `GET /vector HTTP/1.1\n${HOST}\n\n`, refused(400, 505)),
  vector(
    'the request line ends in CR CR LF',
    CRLF_RULE,
    `GET /vector HTTP/1.1\r\r\n${HOST}\r\n\r\n`,
    refused(400, 505),
  ),
  vector('the request line ends in a bare CR', CRLF_RULE, `GET /vector HTTP/1.1\r${HOST}\r\n\r\n`, refused(400, 505)),
  vector(
    'one empty line before the request line',
    'RFC 9112 2.2 lets a server ignore it',
    `\r\n${line('GET /vector HTTP/1.1')}`,
    either([400]),
  ),
  vector('a bare LF before the request line', CRLF_RULE, `\n${line('GET /vector HTTP/1.1')}`, refused(400)),
]

const versions: Vector[] = [
  ...['HTTP/1.2', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/0.9', 'HTTP/9.9'].map((version) =>
    vector(`version ${version} is not supported`, 'RFC 9110 15.6.6', line(`GET /vector ${version}`), refused(505)),
  ),
  ...[
    'http/1.1',
    'HTTP/1.10',
    'HTTP/01.1',
    'HTTP/1',
    'HTTP/11',
    'HTTP/1,1',
    'HTTP/1.1.',
    'HTTP/ 1.1',
    'HTTPS/1.1',
    'ICAP/1.0',
    'HTTP/1.a',
  ].map((version) =>
    vector(`version ${JSON.stringify(version)} is refused`, VERSION, line(`GET /vector ${version}`), refused(400, 505)),
  ),
  vector('a request line without a version', 'no HTTP/0.9', line('GET /vector'), refused(400, 505)),
  vector('a request line of one word', VERSION, line('GET'), refused(400, 505)),
  vector(
    'the HTTP/2 preface',
    'RFC 9113 3.4: never prior knowledge on this listener',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    refused(400, 505),
  ),
  vector(
    'TLS bytes on a clear port',
    'a hello record is no method',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    refused(400),
  ),
]

const same = (name: string, target: string, why = TARGET): Vector =>
  vector(name, why, line(`GET ${target} HTTP/1.1`), forwarded({ target }))
const bad = (name: string, target: string, why = TARGET): Vector =>
  vector(name, why, line(`GET ${target} HTTP/1.1`), refused(400, 505))

const origin: Vector[] = [
  same('a query is passed on unchanged', '/vector?a=1&b=%20&c'),
  same('percent escapes are not decoded', '/a%2Fb%0d%0a%00%2e%2e/'),
  same(
    'dot segments are not resolved',
    '/a/../b/./c',
    'the upstream sees what the client sent; normalising would guess',
  ),
  same('double slashes stay', '//double//slash'),
  same('an empty query stays', '/vector?'),
  same('every pchar is passed on', "/-._~!$&'()*+,;=:@"),
  vector(
    'characters some clients leave unescaped',
    'not in RFC 3986, but unambiguous',
    line('GET /a|b{c}^"`<>\\[] HTTP/1.1'),
    either([400], { target: '/a|b{c}^"`<>\\[]' }),
  ),
  vector(
    'an invalid percent escape',
    'unambiguous as bytes',
    line('GET /%zz%4 HTTP/1.1'),
    either([400], { target: '/%zz%4' }),
  ),
  bad('a fragment', '/vector#fragment'),
  bad('a lone #', '/#'),
  bad('a NUL in the target', '/a\x00b'),
  bad('a control byte in the target', '/a\x01b'),
  bad('DEL in the target', '/a\x7fb'),
  bad('a tab in the target', '/a\tb'),
  bad('a bare CR in the target', '/a\rb', CRLF_RULE),
  bad('a bare LF in the target', '/a\nb', CRLF_RULE),
  bad('a byte above 0x7f in the target', '/caf\xe9'),
  bad('UTF-8 in the target', '/caf\xc3\xa9'),
  bad('a target without a leading slash', 'vector'),
  bad('a query alone', '?a=1'),
  bad('an authority form outside CONNECT', 'example.test:80', 'RFC 9112 3.2.3'),
  bad('an asterisk for GET', '*', 'RFC 9112 3.2.4: only for OPTIONS'),
  bad('an asterisk with a path', '*/vector', 'RFC 9112 3.2.4'),
]

const absolute: Vector[] = [
  vector(
    'an absolute target equal to Host',
    'RFC 9112 3.2.2',
    line('GET http://example.test/vector?q=1 HTTP/1.1'),
    forwarded({ target: '/vector?q=1' }),
  ),
  vector(
    'an absolute target of another case',
    'RFC 9110 4.2.3: host and scheme are case-insensitive',
    line('GET HTTP://EXAMPLE.test/vector HTTP/1.1'),
    either([400], { host: null }),
  ),
  vector(
    'an absolute target without a path',
    'RFC 9112 3.2.1: the empty path is /',
    line('GET http://example.test HTTP/1.1'),
    either([400], { target: '/' }),
  ),
  vector(
    'an absolute target with the default port',
    'RFC 9110 4.2.3',
    line('GET http://example.test:80/vector HTTP/1.1'),
    either([400], { host: null }),
  ),
  vector(
    'an absolute target with another host',
    'the authority and Host would name two sites',
    line('GET http://other.test/vector HTTP/1.1'),
    refused(400),
  ),
  vector(
    'an absolute target with another port',
    'as above',
    line('GET http://example.test:81/vector HTTP/1.1'),
    refused(400),
  ),
  vector(
    'an absolute target with userinfo',
    'RFC 9110 4.2.4',
    line('GET http://user:pw@example.test/vector HTTP/1.1'),
    refused(400),
  ),
  vector(
    'userinfo that hides another host',
    'RFC 9110 4.2.4',
    line('GET http://example.test@other.test/vector HTTP/1.1'),
    refused(400),
  ),
  vector('an absolute target without a host', 'RFC 9110 4.2.1', line('GET http:///vector HTTP/1.1'), refused(400)),
  vector(
    'an absolute target with an unknown scheme',
    'not ours to serve',
    line('GET ftp://example.test/vector HTTP/1.1'),
    refused(400),
  ),
  vector('an absolute target with a fragment', TARGET, line('GET http://example.test/vector#x HTTP/1.1'), refused(400)),
  vector(
    'an absolute target whose host has a backslash',
    TARGET,
    line('GET http://example.test\\.other.test/ HTTP/1.1'),
    refused(400),
  ),
  vector(
    'an absolute target without Host',
    'RFC 9112 3.2: 1.1 needs Host',
    head('GET http://example.test/vector HTTP/1.1'),
    refused(400),
  ),
]

export const requestLineVectors: readonly Vector[] = [...methods, ...spaces, ...versions, ...origin, ...absolute]
