// Field names, values and line ends. RFC 9112 section 5, RFC 9110 section 5.

import { either, forwarded, get, refused, silently, type Vector, vector } from './vector.ts'

const NAME = 'RFC 9110 5.1: a field name is a token of at least one character'
const COLON = 'RFC 9112 5.1: no whitespace between the name and the colon'
const LINES = 'RFC 9112 2.2: bare CR and LF are not line ends'
const FOLD = 'RFC 9112 5.2: obs-fold hides fields from one of two readers'
const VALUE = 'RFC 9110 5.5: no CR, LF, NUL; no other controls for us'

const bad = (name: string, why: string, ...fields: string[]): Vector => vector(name, why, get(...fields), refused(400))
const good = (name: string, why: string, lines: string[], fields: [string, string][]): Vector =>
  vector(name, why, get(...lines), forwarded({ fields }))

const names: Vector[] = [
  good('every token character in a name', NAME, ["X!#$%&'*+-.^_`|~09az: v"], [["X!#$%&'*+-.^_`|~09az", 'v']]),
  bad('an empty name', NAME, ': value'),
  bad('a name of spaces', NAME, '   : value'),
  bad('a line without a colon', NAME, 'X-Nothing'),
  bad('a space before the colon', COLON, 'X-Field : v'),
  bad('a tab before the colon', COLON, 'X-Field\t: v'),
  bad('a space inside the name', NAME, 'X Field: v'),
  bad('a control byte before the name', NAME, '\x01X-Field: v'),
  bad('a control byte after the name', NAME, 'X-Field\x01: v'),
  bad('a NUL in the name', NAME, 'X-\x00Field: v'),
  bad('a byte above 0x7f in the name', NAME, 'X-Fi\xe9ld: v'),
  bad('UTF-8 in the name', NAME, 'Tran\xc5\xbffer-Encoding: chunked'),
  bad('a no-break space after the name', NAME, 'Content-Length\xa0: 5'),
  bad('parentheses in the name', NAME, 'X-(comment): v'),
  bad('a slash in the name', NAME, 'X/Field: v'),
  bad('a quote in the name', NAME, '"X-Field": v'),
  bad('an at sign in the name', NAME, 'X@Field: v'),
  bad('brackets in the name', NAME, 'X[0]: v'),
  bad('a comma in the name', NAME, 'X,Y: v'),
  bad('a semicolon in the name', NAME, 'X;Y: v'),
  bad('DEL in the name', NAME, 'X\x7f: v'),
]

const values: Vector[] = [
  good('an empty value', 'RFC 9110 5.5', ['X-Empty:'], [['X-Empty', '']]),
  good('a value without a space after the colon', 'RFC 9112 5', ['X-Tight:v'], [['X-Tight', 'v']]),
  good('whitespace around the value is dropped', 'RFC 9112 5.1 OWS', ['X-Wide: \t v \t '], [['X-Wide', 'v']]),
  good('whitespace inside the value stays', 'RFC 9110 5.5', ['X-In: a \t  b'], [['X-In', 'a \t  b']]),
  good(
    'bytes 0x80 to 0xff in a value stay as they are',
    'RFC 9110 5.5 obs-text',
    ['X-Text: caf\xe9 \x80\xff'],
    [['X-Text', 'caf\xe9 \x80\xff']],
  ),
  good(
    'UTF-8 in a value stays as it is',
    'RFC 9110 5.5 obs-text',
    ['X-Text: \xe2\x82\xac'],
    [['X-Text', '\xe2\x82\xac']],
  ),
  good('colons and commas in a value stay', 'RFC 9110 5.5', ['X-Colon: a:b,c::d'], [['X-Colon', 'a:b,c::d']]),
  good(
    'repeated fields keep their number and order',
    'RFC 9110 5.3',
    ['X-Many: 1', 'Accept: */*', 'x-many: 2'],
    [
      ['X-Many', '1'],
      ['Accept', '*/*'],
      ['x-many', '2'],
    ],
  ),
  good(
    'Cookie and Authorization pass',
    'end to end',
    ['Cookie: a=b; c=d', 'Authorization: Basic eDp5'],
    [
      ['Cookie', 'a=b; c=d'],
      ['Authorization', 'Basic eDp5'],
    ],
  ),
  good('a long value passes', 'within the head limit', [`X-Long: ${'a'.repeat(8000)}`], [['X-Long', 'a'.repeat(8000)]]),
  ...['\x00', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\x7f'].map((byte) =>
    bad(`the byte 0x${byte.charCodeAt(0).toString(16).padStart(2, '0')} in a value`, VALUE, `X-Field: a${byte}b`),
  ),
  bad('a NUL at the start of a value', VALUE, 'X-Field: \x00v'),
  bad('a NUL at the end of a value', VALUE, 'X-Field: v\x00'),
]

const lines: Vector[] = [
  bad('a bare CR in a value', LINES, 'X-Field: a\rb'),
  bad('a bare LF in a value', LINES, 'X-Field: a\nb'),
  bad('a bare LF that smuggles a field', LINES, 'X-Field: a\nTransfer-Encoding: chunked'),
  bad('a bare CR that smuggles a field', LINES, 'X-Field: a\rTransfer-Encoding: chunked'),
  bad('LF CR for a line end', LINES, 'X-Field: a\n\rX-Other: b'),
  bad('CR CR LF for a line end', LINES, 'X-Field: a\r\r\nX-Other: b'),
  bad('a bare CR before the name', LINES, '\rX-Field: a'),
  bad('a bare LF before the name', LINES, '\nX-Field: a'),
  vector(
    'an LF LF inside the head is not its end',
    LINES,
    'GET /vector HTTP/1.1\r\nHost: example.test\n\nGET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n',
    refused(400),
  ),
  vector(
    'a CR LF LF is not the end of the head',
    LINES,
    'GET /vector HTTP/1.1\r\nHost: example.test\r\n\nGET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n',
    refused(400),
  ),
  vector(
    'a CR LF CR is not the end of the head',
    LINES,
    'GET /vector HTTP/1.1\r\nHost: example.test\r\n\rGET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n',
    refused(400),
  ),
  bad('a folded line', FOLD, 'X-Field: a', ' b'),
  bad('a line folded with a tab', FOLD, 'X-Field: a', '\tb'),
  bad('a folded line of spaces only', FOLD, 'X-Field: a', '   '),
  bad('a folded Transfer-Encoding', FOLD, 'Transfer-Encoding:', ' chunked'),
  bad('a fold that hides a Content-Length', FOLD, 'X-Field: a', ' Content-Length: 5'),
  vector(
    'a space before the first field',
    'RFC 9112 2.2',
    'GET /vector HTTP/1.1\r\n Host: example.test\r\nHost: example.test\r\n\r\n',
    refused(400),
  ),
  vector(
    'a tab before the first field',
    'RFC 9112 2.2',
    'GET /vector HTTP/1.1\r\n\tX: y\r\nHost: example.test\r\n\r\n',
    refused(400),
  ),
]

const incomplete: Vector[] = [
  vector(
    'the client ends in the middle of the head',
    'no end of head, no request',
    'GET /vector HTTP/1.1\r\nHost: example.test\r\n',
    silently(refused(400, 408)),
    { end: true },
  ),
  vector(
    'the client ends in the middle of a line',
    'no end of head, no request',
    'GET /vec',
    silently(refused(400, 408)),
    { end: true },
  ),
  vector('the client ends after the request', 'half-closed, the answer is still wanted', get(), forwarded(), {
    end: true,
  }),
]

const limits: Vector[] = [
  vector(
    'a head of 15 KiB passes',
    'limit 16 KiB',
    get(`X-Big: ${'a'.repeat(15 * 1024)}`),
    forwarded({ fields: [['X-Big', 'a'.repeat(15 * 1024)]] }),
  ),
  vector('one field of 17 KiB is too large', 'RFC 6585 5', get(`X-Big: ${'a'.repeat(17 * 1024)}`), refused(431)),
  vector(
    'a head of 17 KiB in many fields is too large',
    'RFC 6585 5',
    get(...Array.from({ length: 60 }, (_, i) => `X-${i}: ${'a'.repeat(290)}`)),
    refused(431),
  ),
  vector(
    'a head without an end is refused at the limit',
    'nothing may be buffered without bound',
    `GET /vector HTTP/1.1\r\nHost: example.test\r\nX-Big: ${'a'.repeat(40_000)}`,
    refused(431),
  ),
  vector('a head of 1 MiB is refused at the limit', 'as above', get(`X-Big: ${'a'.repeat(1024 * 1024)}`), refused(431)),
  vector(
    '100 fields pass',
    'limit 100, Host included',
    get(...Array.from({ length: 99 }, (_, i) => `X-${i}: v`)),
    forwarded({ fields: Array.from({ length: 99 }, (_, i): [string, string] => [`X-${i}`, 'v']) }),
  ),
  vector(
    '101 fields are too many',
    'limit 100',
    get(...Array.from({ length: 100 }, (_, i) => `X-${i}: v`)),
    refused(431),
  ),
  vector('500 empty fields are too many', 'limit 100', get(...Array.from({ length: 500 }, () => 'a:')), refused(431)),
  vector(
    'a target of 8 KiB passes',
    'limit 8 KiB',
    `GET /${'a'.repeat(8191)} HTTP/1.1\r\nHost: example.test\r\n\r\n`,
    forwarded({ target: `/${'a'.repeat(8191)}` }),
  ),
  vector(
    'a target of 8 KiB and one byte is too long',
    'RFC 9110 15.5.15',
    `GET /${'a'.repeat(8192)} HTTP/1.1\r\nHost: example.test\r\n\r\n`,
    refused(414),
  ),
  vector(
    'a target of 12 KiB is too long',
    'RFC 9110 15.5.15',
    `GET /${'a'.repeat(12 * 1024)} HTTP/1.1\r\nHost: example.test\r\n\r\n`,
    refused(414),
  ),
  vector('a request line without an end is refused', 'as above', `GET /${'a'.repeat(40_000)}`, refused(414, 431)),
  vector(
    'an endless method is refused',
    'bounded like everything',
    `${'A'.repeat(40_000)}`,
    refused(400, 414, 431, 501),
  ),
  vector(
    'a field name of 8 KB passes or is refused',
    'within the head limit',
    get(`X${'a'.repeat(8000)}: v`),
    either([400, 431], { fields: [[`X${'a'.repeat(8000)}`, 'v']] }),
  ),
]

export const fieldLineVectors: readonly Vector[] = [...names, ...values, ...lines, ...incomplete, ...limits]
