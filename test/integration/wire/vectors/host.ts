// Host: exactly one, with valid characters. RFC 9112 section 3.2, RFC 3986 section 3.2.2.

import { either, forwarded, head, refused, type Vector, vector } from './vector.ts'

const WHY = 'RFC 9112 3.2: a server MUST answer 400 to a missing, repeated or invalid Host'
const request = (...fields: string[]): string => head('GET /vector HTTP/1.1', ...fields)
const good = (host: string): Vector =>
  vector(`Host ${host} is passed on`, 'RFC 9110 7.2', request(`Host: ${host}`), forwarded({ host }))
const bad = (name: string, host: string): Vector => vector(name, WHY, request(`Host:${host}`), refused(400))

export const hostVectors: readonly Vector[] = [
  good('example.test'),
  good('example.test:8080'),
  good('127.0.0.1:65535'),
  good('[::1]'),
  good('[2001:db8::1]:8080'),
  good('[::ffff:192.0.2.1]'),
  good('xn--bcher-kva.example'),
  good('under_score.test'),
  vector(
    'an upper-case Host keeps its case',
    'hosts are compared without case, not rewritten',
    request('Host: EXAMPLE.Test'),
    forwarded({ host: 'EXAMPLE.Test' }),
  ),
  vector('the field name is not case-sensitive', 'RFC 9110 5.1', request('hOST: example.test'), forwarded()),
  vector(
    'whitespace around the value is not part of it',
    'RFC 9112 5',
    request('Host: \t example.test \t'),
    forwarded(),
  ),
  vector('a trailing dot', 'valid as a name', request('Host: example.test.'), either([400], { host: 'example.test.' })),
  vector(
    'a colon without a port',
    'RFC 3986 3.2.3 allows an empty port',
    request('Host: example.test:'),
    either([400], { host: null }),
  ),
  vector(
    'an empty Host',
    'RFC 9112 3.2: only for targets without an authority',
    request('Host:'),
    either([400], { host: null }),
  ),
  vector(
    'percent escapes in Host',
    'RFC 3986 3.2.2 reg-name',
    request('Host: ex%41mple.test'),
    either([400], { host: 'ex%41mple.test' }),
  ),
  vector('no Host', WHY, request(), refused(400)),
  vector('no Host, another field', WHY, request('X-Host: example.test'), refused(400)),
  vector('two different Hosts', WHY, request('Host: example.test', 'Host: other.test'), refused(400)),
  vector('two equal Hosts', WHY, request('Host: example.test', 'Host: example.test'), refused(400)),
  vector(
    'two Hosts apart and in different case',
    WHY,
    request('Host: example.test', 'Accept: */*', 'hOsT: other.test'),
    refused(400),
  ),
  vector('a Host and an empty Host', WHY, request('Host: example.test', 'Host:'), refused(400)),
  vector('a space before the colon', 'RFC 9112 5.1', request('Host : example.test'), refused(400)),
  vector(
    'a second Host with a space before the colon',
    'RFC 9112 5.1',
    request('Host: example.test', 'Host : other.test'),
    refused(400),
  ),
  bad('a list of hosts', ' example.test, other.test'),
  bad('a space inside', ' example.test other.test'),
  bad('a slash', ' example.test/path'),
  bad('userinfo', ' user@example.test'),
  bad('a fragment', ' example.test#x'),
  bad('a query', ' example.test?x'),
  bad('a backslash', ' example.test\\x'),
  bad('a scheme', ' http://example.test'),
  bad('a port of letters', ' example.test:http'),
  bad('a negative port', ' example.test:-1'),
  bad('two ports', ' example.test:80:81'),
  bad('a port above 65535', ' example.test:65536'),
  bad('a port alone', ' :8080'),
  bad('IPv6 without brackets', ' 2001:db8::1'),
  bad('an unclosed bracket', ' [::1'),
  bad('text after the bracket', ' [::1]x'),
  bad('an empty bracket', ' []'),
  bad('brackets around a name', ' [example.test]'),
  bad('a byte above 0x7f', ' caf\xe9.test'),
  bad('a NUL', ' example\x00.test'),
  bad('a quote', ' "example.test"'),
  bad('angle brackets', ' <example.test>'),
]
