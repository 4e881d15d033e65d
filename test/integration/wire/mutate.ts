// Valid requests and seeded ways to spoil them.

export type Random = (below: number) => number

/** mulberry32: small, seeded, good enough to pick bytes. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const HEAD = 'Host: example.test\r\n'
export const MUTANT_SEEDS: readonly string[] = [
  `GET /a HTTP/1.1\r\n${HEAD}Cookie: k=v\r\nAccept: */*\r\n\r\n`,
  `GET http://example.test/a?b=c HTTP/1.1\r\n${HEAD}\r\n`,
  `HEAD /a HTTP/1.1\r\n${HEAD}User-Agent: x\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${HEAD}\r\n`,
  `POST /b HTTP/1.1\r\n${HEAD}Content-Length: 11\r\n\r\nhello world`,
  `PUT /b HTTP/1.1\r\nContent-Length: 38\r\n${HEAD}\r\nGET /in HTTP/1.1\r\nHost: a\r\nX: yyyy\r\n\r\n`,
  `POST /c HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
  `POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${HEAD}\r\n28\r\n0\r\n\r\nGET /in HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n\r\n0\r\n\r\n`,
  `POST /d HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n`,
  `GET /e HTTP/1.0\r\n${HEAD}Connection: keep-alive\r\n\r\n`,
  `GET /f HTTP/1.1\r\n${HEAD}Connection: X-A, keep-alive\r\nX-A: 1\r\nX-Forwarded-For: 1.2.3.4\r\nAuthorization: Basic eDp5\r\n\r\n`,
  `GET /1 HTTP/1.1\r\n${HEAD}\r\nPOST /2 HTTP/1.1\r\n${HEAD}Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\n${HEAD}\r\n`,
]

const SPICE = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '=',
  '"',
  '0',
  '1',
  'f',
  'F',
  '-',
  '+',
  '\x0b',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  '#',
  '/',
  '..',
  '%',
  '@',
  '[',
  '\\',
  'HTTP/1.1',
  'HTTP/1.0',
  'chunked',
  '0\r\n\r\n',
]
const LINES = [
  'Content-Length: 5',
  'Content-Length: 11',
  'Content-Length: 0',
  'content-length:+5',
  'Content-Length : 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding:\tchunked',
  'transfer-encoding: Chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: gzip, chunked',
  ' Transfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'Host: other.test',
  'Host:',
  ' folded',
  ': empty',
  'Connection: Content-Length, Transfer-Encoding, Host, Cookie',
  'Connection: upgrade',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: x',
  'TE: trailers',
]

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T
const splice = (text: string, at: number, remove: number, insert: string): string =>
  text.slice(0, at) + insert + text.slice(at + remove)

type Mutation = (bytes: string, random: Random) => string
const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => splice(bytes, random(bytes.length + 1), 0, pick(random, SPICE)),
  (bytes, random) => splice(bytes, random(bytes.length), 1, pick(random, SPICE)),
  (bytes, random) => splice(bytes, random(bytes.length), 1 + random(3), ''),
  (bytes, random) => splice(bytes, random(bytes.length), 1, String.fromCharCode(random(256))),
  (bytes, random) => {
    const at = random(bytes.length)
    return splice(bytes, at, 0, bytes.slice(at, at + 1 + random(12)))
  },
  (bytes, random) => atLine(bytes, random, (at) => splice(bytes, at, 0, `${pick(random, LINES)}\r\n`)),
  (bytes, random) => atLine(bytes, random, (at) => splice(bytes, at, 0, `${pick(random, LINES)}\r\n`)),
  (bytes, random) =>
    atLine(bytes, random, (at) => splice(bytes, at, 0, bytes.slice(at, Math.max(at, bytes.indexOf('\r\n', at)) + 2))),
  (bytes, random) =>
    atLine(bytes, random, (at) => splice(bytes, at - 2, random(3), pick(random, ['\n', '\r', '\r\r\n', '\n\r', '']))),
  (bytes, random) => {
    const at = random(bytes.length)
    return splice(bytes, at, 4, bytes.slice(at, at + 4).toUpperCase())
  },
  (bytes, random) => bytes.slice(0, random(bytes.length)),
  (bytes, random) => {
    const other = pick(random, MUTANT_SEEDS)
    return bytes.slice(0, random(bytes.length)) + other.slice(random(other.length))
  },
]

/** Applies `change` at the start of a line after the first. */
function atLine(bytes: string, random: Random, change: (at: number) => string): string {
  const starts = [...bytes.matchAll(/\r\n/g)].map((match) => match.index + 2)
  return starts.length === 0 ? bytes : change(pick(random, starts))
}

export function mutate(random: Random): string {
  let bytes = pick(random, MUTANT_SEEDS)
  for (let count = 1 + random(3); count > 0; count--) {
    if (bytes.length > 1) bytes = pick(random, MUTATIONS)(bytes, random)
  }
  return bytes
}
