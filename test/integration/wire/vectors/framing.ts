// Where a request body ends: Content-Length, Transfer-Encoding, chunks. RFC 9112 sections 6 and 7.

import { cutOff, either, forwarded, get, head, post, refused, silently, type Vector, vector } from './vector.ts'

const LENGTH = 'RFC 9112 6.2: Content-Length is 1*DIGIT'
const LENGTHS = 'RFC 9112 6.3: repeated with different values is unrecoverable'
const BOTH = 'RFC 9112 6.1: Content-Length with Transfer-Encoding is smuggling until proven otherwise'
const CODING = 'RFC 9112 6.1: anything but exactly chunked'
const CHUNK = 'RFC 9112 7.1: chunk-size is 1*HEXDIG, then CRLF'
const EXT = 'RFC 9112 7.1.1: extensions are hop by hop'

const ok = (name: string, bytes: string, body: string, why = LENGTH): Vector =>
  vector(name, why, bytes, forwarded({ method: 'POST', body }))
const bad = (name: string, why: string, ...fields: string[]): Vector =>
  vector(name, why, post('hello', ...fields), refused(400))

const lengths: Vector[] = [
  ok('a body of a known length', post('hello', 'Content-Length: 5'), 'hello'),
  ok('an empty body of length 0', post('', 'Content-Length: 0'), ''),
  ok('leading zeros are unambiguous', post('hello', 'Content-Length: 0005'), 'hello'),
  ok('whitespace around the length', post('hello', 'Content-Length: \t5 \t'), 'hello'),
  ok(
    'a body that looks like a request stays a body',
    post('GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n', 'Content-Length: 35'),
    'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
  ),
  ok(
    'a body of every byte value',
    post(String.fromCharCode(...Array(256).keys()), 'Content-Length: 256'),
    String.fromCharCode(...Array(256).keys()),
  ),
  ok('a body of 100 KB', post('x'.repeat(100_000), 'Content-Length: 100000'), 'x'.repeat(100_000)),
  vector(
    'a GET with a body',
    'RFC 9110 9.3.1: no meaning, but framed',
    `${get('Content-Length: 5')}hello`,
    either([400], { body: 'hello' }),
  ),
  vector('a GET with length 0', 'RFC 9110 9.3.1', get('Content-Length: 0'), forwarded()),
  vector(
    'the same length twice',
    'RFC 9112 6.3: may be collapsed to one',
    post('hello', 'Content-Length: 5', 'Content-Length: 5'),
    either([400], { method: 'POST', body: 'hello' }),
  ),
  bad('two different lengths', LENGTHS, 'Content-Length: 5', 'Content-Length: 6'),
  bad('two different lengths, the first 0', LENGTHS, 'Content-Length: 0', 'content-length: 5'),
  vector(
    'the same length in two spellings',
    'RFC 9112 6.3: the same decimal value may be collapsed',
    post('hello', 'Content-Length: 5', 'Content-Length: 05'),
    either([400], { method: 'POST', body: 'hello' }),
  ),
  bad('a list of lengths', LENGTHS, 'Content-Length: 5, 6'),
  bad('a list of equal lengths', LENGTHS, 'Content-Length: 5, 5'),
  bad('a list with an empty member', LENGTHS, 'Content-Length: 5,'),
  bad('a plus sign', LENGTH, 'Content-Length: +5'),
  bad('a minus sign', LENGTH, 'Content-Length: -5'),
  bad('minus zero', LENGTH, 'Content-Length: -0'),
  bad('hexadecimal', LENGTH, 'Content-Length: 0x5'),
  bad('hexadecimal without a prefix', LENGTH, 'Content-Length: a'),
  bad('an exponent', LENGTH, 'Content-Length: 5e0'),
  bad('a fraction', LENGTH, 'Content-Length: 5.0'),
  bad('a space inside', LENGTH, 'Content-Length: 5 5'),
  bad('an underscore', LENGTH, 'Content-Length: 0_5'),
  bad('quotes', LENGTH, 'Content-Length: "5"'),
  bad('empty', LENGTH, 'Content-Length:'),
  bad('only whitespace', LENGTH, 'Content-Length: \t '),
  bad('a word', LENGTH, 'Content-Length: five'),
  bad('a trailing control byte', LENGTH, 'Content-Length: 5\x0b'),
  bad('a trailing no-break space', LENGTH, 'Content-Length: 5\xa0'),
  bad('superscript digits', LENGTH, 'Content-Length: \xb2'),
  bad('a space before the colon', 'RFC 9112 5.1', 'Content-Length : 5'),
  vector('2^53', 'beyond what is counted exactly', post('', 'Content-Length: 9007199254740992'), refused(400, 413)),
  vector('2^63', 'overflow', post('', 'Content-Length: 9223372036854775808'), refused(400, 413)),
  vector('2^64 + 5', 'wraps to 5 in 64 bits', post('hello', 'Content-Length: 18446744073709551621'), refused(400, 413)),
  vector('400 digits', 'Infinity as a double', post('', `Content-Length: ${'9'.repeat(400)}`), refused(400, 413)),
  vector(
    '400 zeros before the length',
    'a bounded reader may refuse',
    post('hello', `Content-Length: ${'0'.repeat(400)}5`),
    either([400, 413], { method: 'POST', body: 'hello' }),
  ),
  vector(
    'the client ends in the middle of the body',
    'RFC 9112 8: incomplete',
    post('hel', 'Content-Length: 5'),
    silently(cutOff(400, 408)),
    { end: true },
  ),
]

const codings: Vector[] = [
  vector(
    'Content-Length before chunked',
    BOTH,
    post('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    refused(400),
  ),
  vector(
    'Content-Length after chunked',
    BOTH,
    post('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Content-Length: 5'),
    refused(400),
  ),
  vector(
    'Content-Length 0 with chunked',
    BOTH,
    post('0\r\n\r\n', 'Content-Length: 0', 'Transfer-Encoding: chunked'),
    refused(400),
  ),
  vector(
    'Content-Length with an unknown coding',
    BOTH,
    post('hello', 'Content-Length: 5', 'Transfer-Encoding: gzip'),
    refused(400, 501),
  ),
  vector(
    'CL.TE with a smuggled request',
    BOTH,
    post('0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n', 'Content-Length: 42', 'Transfer-Encoding: chunked'),
    refused(400),
  ),
  ok(
    'Chunked in any case',
    post('5\r\nhello\r\n0\r\n\r\n', 'Transfer-Encoding: Chunked'),
    'hello',
    'RFC 9112 7: names are case-insensitive',
  ),
  ok(
    'CHUNKED with whitespace around it',
    post('5\r\nhello\r\n0\r\n\r\n', 'TRANSFER-ENCODING: \t CHUNKED\t '),
    'hello',
    'OWS is not part of the value',
  ),
  ...(
    [
      ['chunked twice in a list', 'chunked, chunked', [400, 501]],
      ['identity', 'identity', [400, 501]],
      ['identity, chunked', 'identity, chunked', [400, 501]],
      ['gzip', 'gzip', [400, 501]],
      ['gzip, chunked', 'gzip, chunked', [501]],
      ['chunked, gzip', 'chunked, gzip', [400, 501]],
      ['xchunked', 'xchunked', [400, 501]],
      ['chunkedx', 'chunkedx', [400, 501]],
      ['chunked with a parameter', 'chunked;q=1', [400, 501]],
      ['quoted chunked', '"chunked"', [400, 501]],
      ['an empty member before chunked', ', chunked', [400, 501]],
      ['an empty member after chunked', 'chunked,', [400, 501]],
      ['an empty value', '', [400, 501]],
      ['chunked with a vertical tab before it', '\x0bchunked', [400]],
      ['chunked with a form feed after it', 'chunked\x0c', [400]],
      ['chunked with a NUL after it', 'chunked\x00', [400]],
      ['chunked with a no-break space', '\xa0chunked', [400, 501]],
      ['chunked with a bare CR', 'chunked\r', [400]],
      ['chunked with the Kelvin sign', 'chun\xe2\x84\xaaed', [400, 501]],
    ] as const
  ).map(([name, value, status]) =>
    vector(`Transfer-Encoding: ${name}`, CODING, post('0\r\n\r\n', `Transfer-Encoding: ${value}`), refused(...status)),
  ),
  vector(
    'Transfer-Encoding twice',
    CODING,
    post('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    refused(400, 501),
  ),
  vector(
    'Transfer-Encoding twice, the second unknown',
    CODING,
    post('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Transfer-encoding: cow'),
    refused(400, 501),
  ),
  vector(
    'Transfer-Encoding twice, the first identity',
    CODING,
    post('0\r\n\r\n', 'Transfer-Encoding: identity', 'Transfer-Encoding: chunked'),
    refused(400, 501),
  ),
  bad(
    'Transfer-Encoding with a space before the colon',
    'RFC 9112 5.1',
    'Content-Length: 5',
    'Transfer-Encoding : chunked',
  ),
  vector(
    'chunked in HTTP/1.0',
    'RFC 9112 6.1: framing is faulty',
    `${head('POST /vector HTTP/1.0', 'Host: example.test', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    refused(400),
  ),
  vector(
    'chunked with Content-Length in HTTP/1.0',
    BOTH,
    `${head('POST /vector HTTP/1.0', 'Host: example.test', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    refused(400),
  ),
  vector(
    'a look-alike field is an ordinary field',
    'Transfer_Encoding frames nothing here, but may at an upstream that maps _ to -',
    post('hello', 'Content-Length: 5', 'Transfer_Encoding: chunked'),
    either([400], { method: 'POST', body: 'hello', fields: [['Transfer_Encoding', 'chunked']] }),
  ),
]

const te = (body: string, ...fields: string[]): string => post(body, 'Transfer-Encoding: chunked', ...fields)
const chunks = (name: string, raw: string, body: string, why = CHUNK): Vector => ok(name, te(raw), body, why)
const broken = (name: string, raw: string, why = CHUNK): Vector => vector(name, why, te(raw), cutOff(400))

const chunked: Vector[] = [
  chunks('one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'),
  chunks('several chunks', '5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n', 'hello world'),
  chunks('an empty chunked body', '0\r\n\r\n', ''),
  chunks(
    'upper-case and lower-case hex',
    `A\r\n${'a'.repeat(10)}\r\nb\r\n${'b'.repeat(11)}\r\n0\r\n\r\n`,
    'a'.repeat(10) + 'b'.repeat(11),
  ),
  chunks('leading zeros in a size', '005\r\nhello\r\n000\r\n\r\n', 'hello'),
  chunks('data that looks like chunks', 'f\r\n5\r\nhello\r\n0\r\n\r\n\r\n0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n'),
  chunks('a chunk of 70,000 bytes', `11170\r\n${'z'.repeat(70_000)}\r\n0\r\n\r\n`, 'z'.repeat(70_000)),
  chunks('2,000 chunks of one byte', `${'1\r\nx\r\n'.repeat(2000)}0\r\n\r\n`, 'x'.repeat(2000)),
  vector(
    'an extension is dropped',
    EXT,
    te('5;name=value\r\nhello\r\n0;last\r\n\r\n'),
    either([400], { method: 'POST', body: 'hello' }),
  ),
  vector(
    'a quoted extension is dropped',
    EXT,
    te('5;a="b;c"\r\nhello\r\n0\r\n\r\n'),
    either([400], { method: 'POST', body: 'hello' }),
  ),
  vector('a quoted CRLF in an extension ends the line', EXT, te('5;a="\r\nhello\r\n0\r\n\r\n'), {
    ...either([400], { method: 'POST', body: 'hello' }),
  }),
  broken(
    'an extension with a bare LF',
    '5;a\nb\r\nhello\r\n0\r\n\r\n',
    'TERM.EXT and EXT.TERM smuggling: LF must not end it',
  ),
  broken('an extension with a bare CR', '5;a\rb\r\nhello\r\n0\r\n\r\n', 'as above'),
  broken('an extension with a NUL', '5;a\x00b\r\nhello\r\n0\r\n\r\n', EXT),
  vector('an extension of 64 KiB', 'bounded', te(`5;${'a'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`), cutOff(413)),
  broken('a size line in bare LF', '5\nhello\r\n0\r\n\r\n'),
  broken('a size line in bare CR', '5\rhello\r\n0\r\n\r\n'),
  broken('a size line in CR CR LF', '5\r\r\nhello\r\n0\r\n\r\n'),
  broken('data that ends in bare LF', '5\r\nhello\n0\r\n\r\n'),
  broken('data that ends in bare CR', '5\r\nhello\r0\r\n\r\n'),
  broken('data longer than its size', '5\r\nhello!\r\n0\r\n\r\n'),
  broken('data shorter than its size', '6\r\nhello\r\n0\r\n\r\n'),
  broken('no size', '\r\nhello\r\n0\r\n\r\n'),
  broken('an extension without a size', ';a=b\r\nhello\r\n0\r\n\r\n'),
  broken('a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'),
  broken('a negative size', '-5\r\nhello\r\n0\r\n\r\n'),
  broken('a size with a plus sign', '+5\r\nhello\r\n0\r\n\r\n'),
  broken('a space before the size', ' 5\r\nhello\r\n0\r\n\r\n'),
  broken('letters beyond hex', '5g\r\nhello\r\n0\r\n\r\n'),
  broken('a size with an underscore', '0_5\r\nhello\r\n0\r\n\r\n'),
  broken('a size with a NUL', '5\x00\r\nhello\r\n0\r\n\r\n'),
  broken('a size of 17 digits', '10000000000000005\r\nhello\r\n0\r\n\r\n', 'wraps to 5 in 64 bits'),
  broken('a size of 2^53', '20000000000000\r\nhello\r\n0\r\n\r\n', 'not counted exactly'),
  broken('a size of 2^32 + 5 in 100 digits', `${'0'.repeat(90)}0100000005\r\nx`, 'bounded'),
  broken('an endless size', '0'.repeat(70_000), 'bounded'),
  vector('a space after the size', CHUNK, te('5 \r\nhello\r\n0\r\n\r\n'), {
    ...either([400], { method: 'POST', body: 'hello' }),
  }),
  broken('a bad chunk after a good one', '5\r\nhello\r\nzz\r\n', 'the upstream must see an incomplete request'),
  broken('a last chunk in bare LF', '5\r\nhello\r\n0\n\n'),
  broken('a last chunk followed by LF', '5\r\nhello\r\n0\r\n\n'),
  vector('the client ends before the last chunk', 'RFC 9112 8', te('5\r\nhello\r\n'), silently(cutOff(400, 408)), {
    end: true,
  }),
  vector('the client ends before the last CRLF', 'RFC 9112 8', te('5\r\nhello\r\n0\r\n'), silently(cutOff(400, 408)), {
    end: true,
  }),
  vector('the client ends inside a chunk', 'RFC 9112 8', te('5\r\nhel'), silently(cutOff(400, 408)), { end: true }),
]

const TRAILER = 'RFC 9110 6.5.1: framing, routing and authentication fields are not allowed in trailers'
const trailers = (...lines: string[]): string =>
  te(`5\r\nhello\r\n0\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`)

const trailer: Vector[] = [
  vector(
    'a trailer is passed on or dropped',
    'RFC 9110 6.5',
    trailers('X-Sum: 1'),
    forwarded({ method: 'POST', body: 'hello', trailers: [['X-Sum', '1']] }),
  ),
  vector(
    'an announced trailer',
    'RFC 9110 6.6.2',
    te('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n', 'Trailer: X-Sum'),
    forwarded({ method: 'POST', body: 'hello', trailers: [['X-Sum', '1']], optional: { trailer: null } }),
  ),
  ...['Transfer-Encoding: chunked', 'Content-Length: 5', 'Host: other.test', 'content-LENGTH: 0'].map((line) =>
    vector(`${line} in a trailer is refused`, TRAILER, trailers(line), cutOff(400)),
  ),
  vector('Authorization in a trailer never gets through', TRAILER, trailers('Authorization: x'), {
    ...either([400], { method: 'POST', body: 'hello' }),
  }),
  vector('X-Forwarded-For in a trailer never gets through', TRAILER, trailers('X-Forwarded-For: 1.2.3.4'), {
    ...either([400], { method: 'POST', body: 'hello' }),
  }),
  vector('Understudy-Epoch in a trailer never gets through', TRAILER, trailers('Understudy-Epoch: 9'), {
    ...either([400], { method: 'POST', body: 'hello' }),
  }),
  vector('Connection in a trailer never gets through', TRAILER, trailers('Connection: close'), {
    ...either([400], { method: 'POST', body: 'hello' }),
  }),
  ...['X-Sum : 1', ': 1', 'X-Sum', 'X-Sum: a\x00b', 'X-Sum: a\rb', 'X-Sum: a\nb', ' X-Sum: 1'].map((line) =>
    vector(`the trailer line ${JSON.stringify(line)} is refused`, 'as strict as the head', trailers(line), cutOff(400)),
  ),
  vector('a folded trailer', 'as strict as the head', trailers('X-Sum: 1', ' 2'), cutOff(400)),
  vector('trailers of 64 KiB are refused', 'bounded', trailers(`X-Sum: ${'1'.repeat(65_536)}`), cutOff(400, 413, 431)),
  vector(
    '1,000 trailers are refused',
    'bounded',
    trailers(...Array.from({ length: 1000 }, (_, i) => `X-${i}: 1`)),
    cutOff(400, 413, 431),
  ),
]

export const framingVectors: readonly Vector[] = [...lengths, ...codings, ...chunked, ...trailer]
