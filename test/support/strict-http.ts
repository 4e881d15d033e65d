// An HTTP/1.1 reader that forgives nothing, for the tests alone. It shares no code with src/, so that a misreading in the
// engine cannot hide behind the same misreading in the check. It works on latin1 text (one character is one byte).

export type Field = readonly [name: string, value: string]
type Framing = 'none' | 'length' | 'chunked' | 'close'
type Payload = { readonly body: string; readonly trailers: readonly Field[]; readonly framing: Framing }
export type StrictRequest = Payload & {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly fields: readonly Field[]
}
export type StrictResponse = Payload & {
  readonly status: number
  readonly reason: string
  readonly version: string
  readonly fields: readonly Field[]
}
export type Reading<T> =
  | { readonly state: 'complete'; readonly value: T; readonly end: number }
  | { readonly state: 'incomplete'; readonly why: string }
  | { readonly state: 'malformed'; readonly why: string }

/** `upstream`: what a proxy may send. `client`: what a proxy may accept, which is a little more (see each use). */
export type Dialect = 'upstream' | 'client'

class Stop extends Error {
  readonly state: 'incomplete' | 'malformed'
  constructor(state: 'incomplete' | 'malformed', why: string) {
    super(why)
    this.state = state
  }
}
const malformed = (why: string): never => {
  throw new Stop('malformed', why)
}
const incomplete = (why: string): never => {
  throw new Stop('incomplete', why)
}

function reading<T>(read: () => { value: T; end: number }): Reading<T> {
  try {
    return { state: 'complete', ...read() }
  } catch (error) {
    if (error instanceof Stop) return { state: error.state, why: error.message }
    throw error
  }
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const FIELD_LINE = new RegExp(`^(${TOKEN}):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*)$`)
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21\\x22\\x24-\\x7e]+) HTTP/(\\d\\.\\d)$`)
const STATUS_LINE = /^HTTP\/(1\.[01]) ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::\d{0,5})?$/

export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
}

function line(text: string, from: number, what: string): { content: string; end: number } {
  const at = text.indexOf('\r\n', from)
  const content = at === -1 ? text.slice(from).replace(/\r$/, '') : text.slice(from, at)
  if (/[\r\n]/.test(content)) malformed(`bare CR or LF in ${what}: ${JSON.stringify(content)}`)
  if (at === -1) incomplete(`${what} has no end`)
  return { content, end: at + 2 }
}

function fieldLines(text: string, from: number): { fields: Field[]; end: number } {
  const fields: Field[] = []
  let at = from
  while (true) {
    const { content, end } = line(text, at, 'field line')
    at = end
    if (content === '') return { fields, end: at }
    const match = FIELD_LINE.exec(content)
    if (!match) return malformed(`field line ${JSON.stringify(content.slice(0, 80))}`)
    fields.push([match[1] ?? '', (match[2] ?? '').replace(/[ \t]+$/, '')])
  }
}

function chunkedBody(text: string, from: number, dialect: Dialect): { payload: Payload; end: number } {
  let body = ''
  let at = from
  while (true) {
    const { content, end } = line(text, at, 'chunk size')
    const match = /^([0-9A-Fa-f]{1,13})(.*)$/.exec(content)
    const extension = match?.[2] ?? ''
    if (!match) return malformed(`chunk size ${JSON.stringify(content)}`)
    if (extension !== '' && dialect === 'upstream') malformed(`chunk extension ${JSON.stringify(extension)}`)
    if (extension !== '' && !/^[ \t]*;[\t\x20-\x7e\x80-\xff]*$/.test(extension)) malformed('chunk extension')
    const size = Number.parseInt(match[1] ?? '', 16)
    if (size === 0) {
      const trailer = fieldLines(text, end)
      return { payload: { body, trailers: trailer.fields, framing: 'chunked' }, end: trailer.end }
    }
    if (text.length < end + size + 2) {
      const tail = text.slice(end + size)
      if (tail !== '' && tail !== '\r') malformed('chunk data is not followed by CRLF')
      incomplete(`chunk of ${size} bytes has ${Math.max(0, text.length - end)}`)
    }
    if (text.slice(end + size, end + size + 2) !== '\r\n') malformed('chunk data is not followed by CRLF')
    body += text.slice(end, end + size)
    at = end + size + 2
  }
}

type Declared = { framing: 'none' | 'length' | 'chunked'; length: number }

function declaredFraming(fields: readonly Field[], version: string, dialect: Dialect): Declared {
  const lengths = valuesOf(fields, 'content-length')
  const codings = valuesOf(fields, 'transfer-encoding')
  if (codings.length > 0) {
    if (lengths.length > 0) malformed('Content-Length with Transfer-Encoding')
    if (codings.length > 1) malformed('Transfer-Encoding more than once')
    if (codings[0]?.toLowerCase() !== 'chunked') malformed(`Transfer-Encoding ${JSON.stringify(codings[0])}`)
    if (version === '1.0') malformed('Transfer-Encoding in HTTP/1.0')
    return { framing: 'chunked', length: 0 }
  }
  if (lengths.length === 0) return { framing: 'none', length: 0 }
  const first = lengths[0] ?? ''
  if (lengths.length > 1 && (dialect === 'upstream' || lengths.some((other) => other !== first))) {
    malformed(`Content-Length ${lengths.length} times`)
  }
  if (!/^\d+$/.test(first) || Number(first) > Number.MAX_SAFE_INTEGER) malformed(`Content-Length ${first}`)
  return { framing: 'length', length: Number(first) }
}

function lengthBody(text: string, from: number, length: number): { payload: Payload; end: number } {
  if (text.length < from + length) incomplete(`body has ${text.length - from} of ${length} bytes`)
  return {
    payload: { body: text.slice(from, from + length), trailers: [], framing: 'length' },
    end: from + length,
  }
}

function checkHost(version: string, fields: readonly Field[], dialect: Dialect): void {
  const hosts = valuesOf(fields, 'host')
  if (hosts.length > 1) malformed('Host more than once')
  if (hosts.length === 0 && version === '1.1') malformed('no Host')
  if (hosts.length === 0 && dialect === 'upstream') malformed('no Host')
  if (hosts[0] !== undefined && hosts[0] !== '' && !HOST.test(hosts[0])) malformed(`Host ${JSON.stringify(hosts[0])}`)
}

/** One request starting at `from`, or why there is none. */
export function readRequest(text: string, from = 0, dialect: Dialect = 'upstream'): Reading<StrictRequest> {
  return reading(() => {
    const start = line(text, from, 'request line')
    const match = REQUEST_LINE.exec(start.content)
    if (!match) return malformed(`request line ${JSON.stringify(start.content.slice(0, 80))}`)
    const [, method = '', target = '', version = ''] = match
    if (version !== '1.1' && version !== '1.0') malformed(`version ${version}`)
    const form = target.startsWith('/') || (target === '*' && method === 'OPTIONS')
    if (!form && !(dialect === 'client' && /^https?:\/\/[^/?]/i.test(target))) malformed(`target ${target}`)
    const { fields, end } = fieldLines(text, start.end)
    checkHost(version, fields, dialect)
    const { framing, length } = declaredFraming(fields, version, dialect)
    const none: Payload = { body: '', trailers: [], framing: 'none' }
    const rest =
      framing === 'chunked'
        ? chunkedBody(text, end, dialect)
        : framing === 'length'
          ? lengthBody(text, end, length)
          : { payload: none, end }
    return { value: { method, target, version, fields, ...rest.payload }, end: rest.end }
  })
}

/** One response (interim or final) starting at `from`. `ended` says that the sender closed cleanly after `text`. */
function readResponse(text: string, from: number, method: string, ended: boolean): Reading<StrictResponse> {
  return reading(() => {
    const start = line(text, from, 'status line')
    const match = STATUS_LINE.exec(start.content)
    if (!match) return malformed(`status line ${JSON.stringify(start.content.slice(0, 80))}`)
    const [, version = '', code = '', reason = ''] = match
    const status = Number(code)
    const { fields, end } = fieldLines(text, start.end)
    const declared = declaredFraming(fields, version, 'upstream')
    const head = { status, reason, version, fields }
    const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304
    if ((status < 200 || status === 204) && declared.framing !== 'none') malformed(`framing field in a ${status}`)
    if (bodiless) return { value: { ...head, body: '', trailers: [], framing: 'none' }, end }
    if (declared.framing === 'none') {
      if (!ended) incomplete('body ends with the connection')
      return { value: { ...head, body: text.slice(end), trailers: [], framing: 'close' }, end: text.length }
    }
    const rest =
      declared.framing === 'chunked' ? chunkedBody(text, end, 'upstream') : lengthBody(text, end, declared.length)
    return { value: { ...head, ...rest.payload }, end: rest.end }
  })
}

export type ResponseStream = {
  /** final responses, complete and in order */
  readonly finals: readonly StrictResponse[]
  readonly interims: readonly StrictResponse[]
  /** what follows the last complete response */
  readonly rest: 'none' | 'incomplete' | 'malformed'
  readonly why: string
  readonly end: number
}

/** Everything a client received, read as answers to `methods` in order. A 101 ends the reading: the rest is a tunnel. */
export function readResponses(text: string, methods: readonly string[], ended: boolean): ResponseStream {
  const finals: StrictResponse[] = []
  const interims: StrictResponse[] = []
  let at = 0
  while (at < text.length) {
    const next = readResponse(text, at, methods[finals.length] ?? 'GET', ended)
    if (next.state !== 'complete') return { finals, interims, rest: next.state, why: next.why, end: at }
    at = next.end
    if (next.value.status === 101) {
      finals.push(next.value)
      break
    }
    ;(next.value.status < 200 ? interims : finals).push(next.value)
  }
  return { finals, interims, rest: 'none', why: '', end: at }
}
