// What an upstream may answer, and what of it a client sees. RFC 9112 sections 4, 6, 7 and 8, RFC 9110 section 15.

import type { Answer } from '../../../support/recording-upstream.ts'
import type { Field } from '../../../support/strict-http.ts'

type ResponseExpectation = {
  /** `passed`: this response, complete. `refused`: 502 by the proxy. `visible`: 502, or a response that is visibly cut. */
  readonly kind: 'passed' | 'refused' | 'visible'
  /** `passed` may also be `refused` */
  readonly mayRefuse?: boolean
  readonly status?: number
  readonly body?: string
  readonly framing?: 'none' | 'length' | 'chunked'
  readonly has?: readonly Field[]
  readonly hasNot?: readonly string[]
  readonly interims?: readonly number[]
}
export type ResponseVector = {
  readonly name: string
  readonly why: string
  readonly method: string
  readonly answer: Answer
  readonly expect: ResponseExpectation
}

const OK = 'HTTP/1.1 200 OK\r\n'
const HELLO = 'Content-Length: 5\r\n\r\nhello'
const EVIL = 'HTTP/1.1 200 EVIL\r\nContent-Length: 4\r\n\r\nEVIL'
const STATUS = 'RFC 9112 4: HTTP-version SP 3DIGIT SP [reason]'
const FIELD = 'RFC 9112 5: as strict as for requests'
const FRAME = 'RFC 9112 6.3: unrecoverable in a gateway, 502'
const CHUNK = 'RFC 9112 7.1'
const END = 'RFC 9112 8: an incomplete message must look incomplete'
const EXTRA = 'response splitting: bytes after the end belong to nobody'

const answer = (bytes: string, after: Answer['after'] = 'keep'): Answer => ({ bytes, after })
const pass = (
  name: string,
  why: string,
  bytes: string,
  expect: Partial<ResponseExpectation> = {},
  more: { method?: string; after?: Answer['after'] } = {},
): ResponseVector => ({
  name,
  why,
  method: more.method ?? 'GET',
  answer: answer(bytes, more.after),
  expect: { kind: 'passed', status: 200, body: 'hello', ...expect },
})
const refuse = (
  name: string,
  why: string,
  bytes: string,
  after: Answer['after'] = 'keep',
  method = 'GET',
): ResponseVector => ({
  name,
  why,
  method,
  answer: answer(bytes, after),
  expect: { kind: 'refused' },
})
const visible = (name: string, why: string, bytes: string, after: Answer['after'] = 'keep'): ResponseVector => ({
  name,
  why,
  method: 'GET',
  answer: answer(bytes, after),
  expect: { kind: 'visible' },
})
const chunked = (body: string): string => `${OK}Transfer-Encoding: chunked\r\n\r\n${body}`

const plain: ResponseVector[] = [
  pass('a body of a known length', FRAME, OK + HELLO, { framing: 'length' }),
  pass('an empty body', FRAME, `${OK}Content-Length: 0\r\n\r\n`, { body: '' }),
  pass('a chunked body', CHUNK, chunked('5\r\nhello\r\n0\r\n\r\n'), { framing: 'chunked' }),
  pass('chunks of any case and with leading zeros', CHUNK, chunked('0002\r\nhe\r\n3\r\nllo\r\n000\r\n\r\n'), {
    framing: 'chunked',
  }),
  pass('chunk extensions are dropped', 'RFC 9112 7.1.1', chunked('5;a=b\r\nhello\r\n0;c\r\n\r\n'), {
    framing: 'chunked',
    mayRefuse: true,
  }),
  pass(
    'a body that ends with the connection becomes chunked',
    'so that truncation shows',
    `${OK}\r\nhello`,
    { framing: 'chunked' },
    { after: 'end' },
  ),
  pass('an empty body that ends with the connection', 'as above', `${OK}\r\n`, { body: '' }, { after: 'end' }),
  pass(
    'an HTTP/1.0 answer that ends with the connection',
    'RFC 9112 2.3',
    'HTTP/1.0 200 OK\r\n\r\nhello',
    { framing: 'chunked' },
    { after: 'end' },
  ),
  pass('an HTTP/1.0 answer with a length', 'RFC 9112 2.3', `HTTP/1.0 200 OK\r\n${HELLO}`, {}, { after: 'end' }),
  pass('Connection: close with a length', 'RFC 9112 9.6', `${OK}Connection: close\r\n${HELLO}`, {}, { after: 'end' }),
  pass('a body of 300,000 bytes', FRAME, `${OK}Content-Length: 300000\r\n\r\n${'b'.repeat(300_000)}`, {
    body: 'b'.repeat(300_000),
  }),
  pass('no reason phrase', STATUS, `HTTP/1.1 200 \r\n${HELLO}`),
  pass('no space after the status', STATUS, `HTTP/1.1 200\r\n${HELLO}`, { mayRefuse: true }),
  pass('a reason phrase with bytes above 0x7f', STATUS, `HTTP/1.1 200 d\xe9j\xe0 vu\r\n${HELLO}`, { mayRefuse: true }),
  pass('204 has no body', 'RFC 9110 15.3.5', 'HTTP/1.1 204 No Content\r\n\r\n', {
    status: 204,
    body: '',
    framing: 'none',
  }),
  pass(
    '304 with a length has no body',
    'RFC 9110 15.4.5',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n',
    { status: 304, body: '', framing: 'none', has: [['ETag', '"x"']] },
  ),
  pass(
    'HEAD with a length has no body',
    'RFC 9110 9.3.2',
    `${OK}Content-Length: 5\r\n\r\n`,
    { body: '', has: [['Content-Length', '5']] },
    { method: 'HEAD' },
  ),
  pass(
    'HEAD with chunked has no body',
    'RFC 9110 9.3.2',
    `${OK}Transfer-Encoding: chunked\r\n\r\n`,
    { body: '' },
    { method: 'HEAD' },
  ),
  ...[201, 299, 301, 400, 404, 418, 429, 500, 501, 599].map((status) =>
    pass(`status ${status} is passed on`, 'RFC 9110 15', `HTTP/1.1 ${status} Some Reason\r\n${HELLO}`, {
      status,
      hasNot: ['understudy-error'],
    }),
  ),
  pass(
    'repeated fields keep their order',
    'RFC 9110 5.3',
    `${OK}Set-Cookie: a=1\r\nX-Y: z\r\nset-cookie: b=2\r\n${HELLO}`,
    {
      has: [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Y', 'z'],
      ],
    },
  ),
  pass('bytes above 0x7f in a value', 'RFC 9110 5.5 obs-text', `${OK}X-Text: caf\xe9\x80\xff\r\n${HELLO}`, {
    has: [['X-Text', 'caf\xe9\x80\xff']],
  }),
  pass(
    'hop-by-hop fields end here',
    'RFC 9110 7.6.1',
    `${OK}Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\nX-End: 2\r\n${HELLO}`,
    { has: [['X-End', '2']], hasNot: ['x-hop', 'proxy-connection'] },
  ),
  pass('an offer to upgrade to h2c ends here', 'RFC 9110 7.8', `${OK}Upgrade: h2c\r\nConnection: Upgrade\r\n${HELLO}`, {
    hasNot: ['upgrade'],
  }),
  pass('the same length twice', 'may be collapsed', `${OK}Content-Length: 5\r\n${HELLO}`, { mayRefuse: true }),
  pass('a trailer is passed on or dropped', 'RFC 9110 6.5', chunked('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'), {
    framing: 'chunked',
  }),
  pass('103 is relayed before the answer', 'RFC 8297', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}${HELLO}`, {
    interims: [103],
  }),
  pass('several interim answers', 'RFC 9110 15.2', `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(3)}${OK}${HELLO}`),
  pass('a 100 nobody asked for', 'RFC 9110 15.2.1', `HTTP/1.1 100 Continue\r\n\r\n${OK}${HELLO}`),
  pass(
    '100 fields',
    'well within reason',
    `${OK}${Array.from({ length: 90 }, (_, i) => `X-${i}: v\r\n`).join('')}${HELLO}`,
  ),
]

const badHeads: ResponseVector[] = [
  ...[
    'garbage',
    'HTTP/2 200 OK',
    'HTTP/2.0 200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 abc OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 -20 OK',
    'HTTP/1.1 000 OK',
    'http/1.1 200 OK',
    'HTTP/1.1\t200 OK',
    ' HTTP/1.1 200 OK',
    'ICY 200 OK',
    'HTTP/1.1 200 O\x00K',
    'HTTP/1.1 200 O\rK',
    '200 OK',
    'HTTP/1.1',
  ].map((line) => refuse(`the status line ${JSON.stringify(line)}`, STATUS, `${line}\r\n${HELLO}`)),
  pass('a status of 999', 'RFC 9110 15: a client treats it as 5xx', `HTTP/1.1 999 Custom\r\n${HELLO}`, {
    mayRefuse: true,
    status: 999,
  }),
  pass('HTTP/1.2', 'a higher minor version', `HTTP/1.2 200 OK\r\n${HELLO}`, { mayRefuse: true }),
  refuse('an empty line before the status line', STATUS, `\r\n${OK}${HELLO}`),
  refuse('lines in bare LF', FIELD, 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello', 'end'),
  refuse('a bare LF in a value', FIELD, `${OK}X-Field: a\nX-Evil: b\r\n${HELLO}`),
  refuse('a bare CR in a value', FIELD, `${OK}X-Field: a\rX-Evil: b\r\n${HELLO}`),
  refuse('a NUL in a value', FIELD, `${OK}X-Field: a\x00b\r\n${HELLO}`),
  refuse('a control byte in a value', FIELD, `${OK}X-Field: a\x01b\r\n${HELLO}`),
  refuse('a folded line', 'RFC 9112 5.2: a gateway may refuse', `${OK}X-Field: a\r\n b\r\n${HELLO}`),
  refuse('a space before the colon', 'RFC 9112 5.1: a proxy must not pass it on', `${OK}X-Field : a\r\n${HELLO}`),
  refuse('a space before the first field', FIELD, `${OK} X-Field: a\r\n${HELLO}`),
  refuse('an empty name', FIELD, `${OK}: a\r\n${HELLO}`),
  refuse('a space inside a name', FIELD, `${OK}X Field: a\r\n${HELLO}`),
  refuse('a line without a colon', FIELD, `${OK}X-Field\r\n${HELLO}`),
  refuse('a head of 1 MiB', 'bounded', `${OK}X-Big: ${'a'.repeat(1024 * 1024)}\r\n${HELLO}`),
  refuse('a head without an end', 'bounded', `${OK}X-Big: ${'a'.repeat(1024 * 1024)}`),
  refuse('5,000 fields', 'bounded', `${OK}${'a: b\r\n'.repeat(5000)}${HELLO}`),
]

const badFraming: ResponseVector[] = [
  refuse(
    'Content-Length with Transfer-Encoding',
    FRAME,
    `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  ...['5, 5', '5, 6', '+5', '-5', '0x5', '5.0', '', 'five', '5 5', '9007199254740992', '18446744073709551621'].map(
    (value) => refuse(`Content-Length: ${JSON.stringify(value)}`, FRAME, `${OK}Content-Length: ${value}\r\n\r\nhello`),
  ),
  refuse('two different lengths', FRAME, `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`),
  ...['gzip', 'gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', 'chunked\x0b'].map((value) =>
    refuse(`Transfer-Encoding: ${JSON.stringify(value)}`, FRAME, `${OK}Transfer-Encoding: ${value}\r\n\r\n0\r\n\r\n`),
  ),
  refuse(
    'Transfer-Encoding twice',
    FRAME,
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  refuse(
    'chunked in an HTTP/1.0 answer',
    FRAME,
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'end',
  ),
  refuse(
    '101 that nobody asked for',
    'RFC 9110 15.2.2',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nEVIL',
  ),
  refuse(
    'a flood of interim answers',
    'limited in number',
    `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(2000)}${OK}${HELLO}`,
  ),
  refuse('a body after an interim answer', EXTRA, `HTTP/1.1 103 Early Hints\r\n\r\nEVIL${OK}${HELLO}`),
  visible('a chunk size that is no number', CHUNK, chunked('zz\r\nEVIL\r\n0\r\n\r\n')),
  visible('a bad chunk after a good one', CHUNK, chunked('5\r\nhello\r\nzz\r\nEVIL\r\n0\r\n\r\n')),
  visible('chunk data that is too long', CHUNK, chunked('5\r\nhello!\r\n0\r\n\r\n')),
  visible('a chunk size in bare LF', CHUNK, chunked('5\nhello\r\n0\r\n\r\n')),
  visible('a chunk of 2^64 + 5 bytes', CHUNK, chunked('10000000000000005\r\nhello\r\n0\r\n\r\n')),
  visible('Content-Length in a trailer', 'RFC 9110 6.5.1', chunked('5\r\nhello\r\n0\r\nContent-Length: 4\r\n\r\n')),
  visible('a trailer with a NUL', CHUNK, chunked('5\r\nhello\r\n0\r\nX-Sum: a\x00\r\n\r\n')),
]

const extra: ResponseVector[] = [
  pass('a second answer', EXTRA, OK + HELLO + EVIL, { mayRefuse: true }),
  pass('a second answer after chunks', EXTRA, chunked('5\r\nhello\r\n0\r\n\r\n') + EVIL, { mayRefuse: true }),
  pass('bytes beyond the length', EXTRA, `${OK}Content-Length: 5\r\n\r\nhelloEVIL`, { mayRefuse: true }),
  pass('a body after 204', EXTRA, `HTTP/1.1 204 No Content\r\n\r\n${EVIL}`, { mayRefuse: true, status: 204, body: '' }),
  pass('a body after 304', EXTRA, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nEVIL', {
    mayRefuse: true,
    status: 304,
    body: '',
  }),
  pass(
    'a body after HEAD',
    EXTRA,
    `${OK}Content-Length: 4\r\n\r\nEVIL`,
    { mayRefuse: true, body: '' },
    { method: 'HEAD' },
  ),
  pass(
    '204 with a length',
    'RFC 9110 8.6: must not be sent',
    'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nEVIL',
    { mayRefuse: true, status: 204, body: '' },
  ),
  pass(
    '204 with chunked',
    'RFC 9112 6.1: must not be sent',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nEVIL\r\n0\r\n\r\n',
    { mayRefuse: true, status: 204, body: '' },
  ),
  pass('a CRLF after the answer', EXTRA, `${OK}${HELLO}\r\n`, { mayRefuse: true }),
]

const cut: ResponseVector[] = [
  refuse('a close without an answer', END, '', 'end'),
  refuse('a reset without an answer', END, '', 'reset'),
  refuse('a close in the status line', END, 'HTTP/1.1 20', 'end'),
  refuse('a close in the head', END, `${OK}Content-Length: 5\r\n`, 'end'),
  refuse('a reset in the head', END, `${OK}Content-Length: 5\r\n`, 'reset'),
  refuse('a close after an interim answer', END, 'HTTP/1.1 103 Early Hints\r\n\r\n', 'end'),
  visible('a close before the body', END, `${OK}Content-Length: 5\r\n\r\n`, 'end'),
  visible('a close inside the body', END, `${OK}Content-Length: 5\r\n\r\nhel`, 'end'),
  visible('a reset inside the body', END, `${OK}Content-Length: 5\r\n\r\nhel`, 'reset'),
  visible('a close inside a large body', END, `${OK}Content-Length: 500000\r\n\r\n${'b'.repeat(400_000)}`, 'end'),
  visible('a reset inside a large body', END, `${OK}Content-Length: 500000\r\n\r\n${'b'.repeat(400_000)}`, 'reset'),
  visible('a close before the last chunk', END, chunked('5\r\nhello\r\n'), 'end'),
  visible('a reset before the last chunk', END, chunked('5\r\nhello\r\n'), 'reset'),
  visible('a close inside a chunk', END, chunked('5\r\nhel'), 'end'),
  visible('a close inside the last chunk', END, chunked('5\r\nhello\r\n0\r\n'), 'end'),
  visible('a close inside a large chunk', END, chunked(`7a120\r\n${'b'.repeat(400_000)}`), 'end'),
  visible('a reset of a body that ends with the connection', END, `${OK}\r\nhello`, 'reset'),
  visible('a reset of a large body that ends with the connection', END, `${OK}\r\n${'b'.repeat(400_000)}`, 'reset'),
]

export const responseVectors: ReadonlyMap<string, readonly ResponseVector[]> = new Map([
  ['plain', plain],
  ['bad heads', badHeads],
  ['bad framing', badFraming],
  ['bytes after the end', extra],
  ['truncation', cut],
])
