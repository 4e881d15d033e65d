/**
 * An HTTP/2 request as the text of an HTTP/1.1 one (RFC 9113 §8.3): either it says exactly what the field list said, or
 * the request is refused. Whatever could mean something else once it is a line of text never becomes one.
 */
import { isToken, parseLength } from '../wire/fields.ts'
import type { HeaderList } from '../wire/http2-fields.ts'
import { fieldProblem, trailerText } from '../wire/http2-fields.ts'
import type { HeadLimits } from '../wire/limits.ts'
import type { Refusal } from '../wire/request-head.ts'
import { isAuthority } from '../wire/request-head.ts'

const bad = (reason: string): Refusal => ({ status: 400, reason })

const PSEUDO = [':method', ':scheme', ':path', ':authority'] as const
type Pseudo = (typeof PSEUDO)[number]
type PseudoFields = Partial<Record<Pseudo, string>>

/** What was read of the list. `lines`: the fields that stay as they are; `regular`: a field that is no pseudo field came. */
type Reading = {
  pseudo: PseudoFields
  regular: boolean
  host: string | null
  hasLength: boolean
  cookies: string[]
  lines: string
}

/**
 * The head as RequestHead reads it; what that refuses is not looked at here. `bodyFollows`: the stream has not ended with
 * the head. Without a length such a body is a chunked one.
 */
export function canonicalHead(fields: HeaderList, limits: HeadLimits, bodyFollows: boolean): string | Refusal {
  const reading: Reading = { pseudo: {}, regular: false, host: null, hasLength: false, cookies: [], lines: '' }
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const refusal = readField(reading, fields[i] ?? '', fields[i + 1] ?? '')
    if (refusal) return refusal
  }
  const { pseudo, host, hasLength, cookies, lines } = reading
  const method = pseudo[':method']
  if (method === undefined || !isToken(method)) return bad('missing or malformed :method')
  if (method === 'CONNECT') return { status: 501, reason: 'CONNECT is not supported' }
  const refusal = checkTarget(pseudo, method)
  if (refusal) return refusal
  const authority = pseudo[':authority'] ?? host
  if (authority === null || !isAuthority(authority)) return bad('missing or malformed :authority')
  // RFC 9113 §8.3.1: a difference would let one part of the system see another site than the next one.
  if (host !== null && host.toLowerCase() !== authority.toLowerCase()) return bad('host and :authority differ')
  // §8.2.3: one field that was split to compress better.
  const cookie = cookies.length === 0 ? '' : `Cookie: ${cookies.join('; ')}\r\n`
  const framing = bodyFollows && !hasLength ? 'Transfer-Encoding: chunked\r\n' : ''
  const text = `${method} ${pseudo[':path']} HTTP/1.1\r\nHost: ${authority}\r\n${lines}${cookie}${framing}\r\n`
  if (text.length > limits.headBytes) return { status: 431, reason: `head over ${limits.headBytes} bytes` }
  return text
}

/** The fields behind a body, as lines; the rules of trailers themselves are those of chunked bodies. */
export function canonicalTrailers(fields: HeaderList): string | Refusal {
  const { problem, text } = trailerText(fields)
  return problem === null ? text : bad(problem)
}

function readField(reading: Reading, name: string, value: string): Refusal | null {
  if (name.startsWith(':')) return readPseudo(reading, name, value)
  reading.regular = true
  const problem = name === 'te' ? teProblem(value) : fieldProblem(name, value)
  if (problem !== null) return bad(problem)
  switch (name) {
    case 'host':
      if (reading.host !== null) return bad('more than one host')
      reading.host = value
      return null
    case 'cookie':
      reading.cookies.push(value)
      return null
    case 'content-length':
      if (reading.hasLength || parseLength(value) === null) return bad('malformed or repeated content-length')
      reading.hasLength = true
      break
  }
  reading.lines += `${name}: ${value}\r\n`
  return null
}

function readPseudo(reading: Reading, name: string, value: string): Refusal | null {
  const known = PSEUDO.find((pseudo) => pseudo === name)
  if (!known) return bad('unknown pseudo field')
  if (reading.regular) return bad(`${known} behind other fields`)
  if (reading.pseudo[known] !== undefined) return bad(`more than one ${known}`)
  reading.pseudo[known] = value
  return null
}

/** RFC 9113 §8.2.2. */
function teProblem(value: string): string | null {
  return value === 'trailers' ? null : 'te other than trailers'
}

function checkTarget(pseudo: PseudoFields, method: string): Refusal | null {
  const scheme = pseudo[':scheme']
  if (scheme !== 'http' && scheme !== 'https') return bad('missing or unknown :scheme')
  const path = pseudo[':path'] ?? ''
  // What may be in a path is for RequestHead to say; a blank or a line end would make it read something else.
  if (!/^[\x21-\x7e]+$/.test(path)) return bad('missing or malformed :path')
  return path.startsWith('/') || (path === '*' && method === 'OPTIONS') ? null : bad('malformed :path')
}
