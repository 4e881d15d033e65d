// What a proxy takes away and adds: hop-by-hop fields, X-Forwarded-*, Via, Understudy-*, Upgrade, Expect.
// RFC 9110 sections 7.6, 7.8, 10.1.1.

import { either, forwarded, get, head, post, refused, type Vector, vector } from './vector.ts'

const HOP = 'RFC 9110 7.6.1: hop-by-hop fields end here'
const NOMINATED = 'RFC 9110 7.6.1: fields named in Connection end here'
const PROTECTED = 'a client must not make the proxy drop what the upstream decides by'
const FORGED = 'the peer is not trusted, what it says about itself is replaced'
const OURS = 'Understudy-* are between the proxy and its operator'

const dropped = (name: string, why: string, ...fields: string[]): Vector =>
  vector(name, why, get(...fields), forwarded())

const hops: Vector[] = [
  dropped('Connection: keep-alive is not passed on as it is', HOP, 'Connection: keep-alive'),
  dropped('Keep-Alive is dropped', HOP, 'Keep-Alive: timeout=5, max=100'),
  dropped('Keep-Alive named in Connection is dropped', HOP, 'Connection: Keep-Alive', 'Keep-Alive: timeout=5'),
  dropped('Proxy-Connection is dropped', 'RFC 9112 C.2.2', 'Proxy-Connection: keep-alive'),
  dropped('TE is dropped', HOP, 'TE: trailers', 'Connection: TE'),
  dropped('TE without Connection is dropped', HOP, 'TE: gzip;q=0.5'),
  dropped('a nominated field is dropped', NOMINATED, 'Connection: X-Hop', 'X-Hop: 1'),
  dropped('nominated before and after, in any case', NOMINATED, 'x-hop: 1', 'Connection: close-not, X-HOP', 'X-Hop: 2'),
  dropped(
    'several nominated fields in several Connection fields',
    NOMINATED,
    'Connection: X-A, X-B',
    'Connection: ,\tX-C ,',
    'X-A: 1',
    'X-B: 2',
    'X-C: 3',
  ),
  vector(
    'a field that only starts like a nominated one stays',
    NOMINATED,
    get('Connection: X-Hop', 'X-Hop-Not: 1'),
    forwarded({ fields: [['X-Hop-Not', '1']] }),
  ),
  vector(
    'a nominated field without presence harms nothing',
    NOMINATED,
    get('Connection: X-Absent', 'X-Here: 1'),
    forwarded({ fields: [['X-Here', '1']] }),
  ),
  vector('Connection: close is about this connection only', HOP, get('Connection: close'), forwarded(), {
    seen: { closed: true },
  }),
  vector(
    'Connection: CLOSE in a list',
    'RFC 9110 7.6.1: options are case-insensitive',
    get('Connection: X-Hop, CLOSE', 'X-Hop: 1'),
    forwarded(),
    { seen: { closed: true } },
  ),
  vector(
    'Connection with an invalid option',
    'RFC 9110 7.6.1: options are tokens',
    get('Connection: "close'),
    either([400]),
  ),
]

const nominated = (name: string, line: string): Vector => {
  const [field = '', value = ''] = line.split(': ')
  return vector(
    `${name} cannot be nominated`,
    PROTECTED,
    get(`Connection: ${field}`, line),
    either([400], { fields: [[field, value]] }),
  )
}
const protectedNames: Vector[] = [
  nominated('Authorization', 'Authorization: Bearer x'),
  nominated('Cookie', 'Cookie: a=b'),
  vector('Host cannot be nominated', PROTECTED, get('Connection: host'), either([400])),
  vector(
    'Content-Length cannot be nominated',
    PROTECTED,
    post('hello', 'Connection: Content-Length', 'Content-Length: 5'),
    either([400], { method: 'POST', body: 'hello' }),
  ),
  vector(
    'Transfer-Encoding cannot be nominated away',
    PROTECTED,
    post('5\r\nhello\r\n0\r\n\r\n', 'Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'),
    either([400], { method: 'POST', body: 'hello' }),
  ),
  ...['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'Via', 'X-Request-Id'].map((name) =>
    vector(`${name} cannot be nominated`, PROTECTED, get(`Connection: close, ${name}`), either([400]), {
      seen: { closed: true },
    }),
  ),
]

const forwardedFor: Vector[] = [
  dropped('X-Forwarded-For from a client is replaced', FORGED, 'X-Forwarded-For: 10.0.0.1'),
  dropped(
    'several X-Forwarded-For are replaced by one',
    FORGED,
    'X-Forwarded-For: 10.0.0.1, 10.0.0.2',
    'x-forwarded-for: 10.0.0.3',
  ),
  dropped('X-Forwarded-Proto from a client is replaced', FORGED, 'X-Forwarded-Proto: https'),
  dropped('X-Forwarded-Host from a client is replaced', FORGED, 'X-Forwarded-Host: admin.test'),
  dropped('X-Forwarded-Port from a client is dropped', FORGED, 'X-Forwarded-Port: 443'),
  dropped('X-Forwarded-Prefix from a client is dropped', FORGED, 'X-Forwarded-Prefix: /admin'),
  dropped('X-Forwarded-Server from a client is dropped', FORGED, 'X-Forwarded-Server: admin.test'),
  dropped('Forwarded from a client is dropped', 'RFC 7239 8.1', 'Forwarded: for=10.0.0.1;proto=https;host=admin.test'),
  dropped('two Forwarded are dropped', 'RFC 7239 8.1', 'Forwarded: for=10.0.0.1', 'forwarded: for=10.0.0.2'),
  vector(
    'a look-alike of X-Forwarded-For reaches the upstream as itself or not at all',
    'some upstreams map _ to -',
    get('X_Forwarded_For: 10.0.0.1'),
    either([400], { optional: { x_forwarded_for: null } }),
  ),
  vector(
    'X-Forwarded-Host follows Host with its port',
    FORGED,
    head('GET /vector HTTP/1.1', 'Host: example.test:8080', 'X-Forwarded-Host: x'),
    forwarded({ host: 'example.test:8080' }),
  ),
]

const own: Vector[] = [
  ...['Understudy-Epoch', 'Understudy-Error', 'Understudy-Attempts', 'understudy-anything', 'UNDERSTUDY-X'].map(
    (name) => dropped(`${name} from a client is dropped`, OURS, `${name}: 1`),
  ),
  vector('Via is appended to', 'RFC 9110 7.6.3', get('Via: 1.0 fred'), forwarded({ via: '1.0 fred, 1.1 understudy' })),
  vector(
    'several Via keep their order',
    'RFC 9110 7.6.3',
    get('Via: 1.0 fred', 'Via: 1.1 anna'),
    forwarded({ via: '1.0 fred, 1.1 anna, 1.1 understudy' }),
  ),
  vector(
    'a sane X-Request-Id is kept',
    'traces continue',
    get('X-Request-Id: 7f3a-b2.c_9'),
    forwarded({ requestId: '7f3a-b2.c_9' }),
  ),
  vector(
    'an X-Request-Id with spaces and quotes is replaced',
    'it goes into logs',
    get('X-Request-Id: "a b" <script>'),
    forwarded(),
  ),
  vector(
    'an X-Request-Id of 1,000 bytes is replaced',
    'it goes into logs',
    get(`X-Request-Id: ${'a'.repeat(1000)}${'"'}`),
    forwarded(),
  ),
  vector('an empty X-Request-Id is replaced', 'it goes into logs', get('X-Request-Id:'), forwarded()),
  vector(
    'two X-Request-Id become one',
    'one request, one id',
    get('X-Request-Id: abcdefgh-1', 'X-Request-Id: abcdefgh-2'),
    either([400]),
  ),
]

const UPGRADE = 'RFC 9110 7.8: only websocket, never h2c'
const SOCKET = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
const SOCKET_FIELDS = [
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
] as const
const plain = { upgrade: 'websocket', connection: 'upgrade' }

const upgrades: Vector[] = [
  vector(
    'a WebSocket upgrade is passed on, the upstream may decline',
    UPGRADE,
    get('Connection: Upgrade', 'Upgrade: websocket', ...SOCKET),
    forwarded({ fields: [['Connection', 'upgrade'], ['Upgrade', 'websocket'], ...SOCKET_FIELDS] }),
  ),
  vector(
    'keep-alive, Upgrade as browsers send it',
    UPGRADE,
    get('Connection: keep-alive, Upgrade', 'Upgrade: websocket', ...SOCKET),
    forwarded({ fields: [['Connection', 'upgrade'], ['Upgrade', 'websocket'], ...SOCKET_FIELDS] }),
  ),
  dropped('Upgrade: h2c is dropped', UPGRADE, 'Connection: Upgrade', 'Upgrade: h2c'),
  dropped(
    'the h2c upgrade and its settings are dropped',
    'RFC 7540 3.2',
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  ),
  dropped('HTTP2-Settings without nomination is dropped', 'RFC 7540 3.2.1', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'),
  dropped('Upgrade without Connection is dropped', 'RFC 9110 7.8: must be nominated', 'Upgrade: websocket'),
  dropped('Upgrade: TLS/1.0 is dropped', UPGRADE, 'Connection: Upgrade', 'Upgrade: TLS/1.0'),
  dropped('Upgrade: HTTP/2.0 is dropped', UPGRADE, 'Connection: Upgrade', 'Upgrade: HTTP/2.0'),
  dropped('Connection: Upgrade without Upgrade is harmless', UPGRADE, 'Connection: Upgrade'),
  vector(
    'h2c never hides behind websocket in a list',
    UPGRADE,
    get('Connection: Upgrade', 'Upgrade: websocket, h2c'),
    either([400], { optional: plain }),
  ),
  vector(
    'h2c never hides behind websocket in a second field',
    UPGRADE,
    get('Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: h2c'),
    either([400], { optional: plain }),
  ),
  vector(
    'Upgrade in HTTP/1.0 is ignored',
    'RFC 9110 7.8: MUST ignore',
    head('GET /vector HTTP/1.0', 'Host: example.test', 'Connection: Upgrade', 'Upgrade: websocket'),
    forwarded(),
    { seen: { closed: true } },
  ),
]

const expected = { method: 'POST', body: 'hello', optional: { expect: '100-continue' } }
const EXPECT = 'RFC 9110 10.1.1: an expectation that is not 100-continue is answered 417'
const expectations: Vector[] = [
  vector(
    '100-continue with the body at once',
    'RFC 9110 10.1.1',
    post('hello', 'Expect: 100-continue', 'Content-Length: 5'),
    forwarded(expected),
  ),
  vector(
    '100-Continue in any case',
    'RFC 9110 10.1.1',
    post('hello', 'Expect: 100-Continue', 'Content-Length: 5'),
    forwarded(expected),
  ),
  vector(
    '100-continue with a chunked body',
    'RFC 9110 10.1.1',
    post('5\r\nhello\r\n0\r\n\r\n', 'Expect: 100-continue', 'Transfer-Encoding: chunked'),
    forwarded(expected),
  ),
  vector(
    '100-continue without a body',
    'RFC 9110 10.1.1',
    get('Expect: 100-continue'),
    either([400, 417], { optional: { expect: null } }),
  ),
  vector('an unknown expectation', EXPECT, get('Expect: the-unexpected'), refused(417)),
  vector(
    'an unknown expectation beside 100-continue',
    EXPECT,
    post('hello', 'Expect: 100-continue, x', 'Content-Length: 5'),
    refused(417),
  ),
  vector(
    'an unknown expectation of a HEAD is refused without a body',
    'RFC 9110 9.3.2',
    head('HEAD /vector HTTP/1.1', 'Host: example.test', 'Expect: x'),
    refused(417),
  ),
  vector('a misspelt expectation', EXPECT, post('hello', 'Expect: 100 continue', 'Content-Length: 5'), refused(417)),
  vector('an empty expectation', EXPECT, get('Expect:'), either([400, 417], { optional: { expect: '' } })),
]

export const forwardingVectors: readonly Vector[] = [
  ...hops,
  ...protectedNames,
  ...forwardedFor,
  ...own,
  ...upgrades,
  ...expectations,
]
