/**
 * Between HTTP/2 header lists (RFC 9113 §8.2–8.3) and the text of HTTP/1.1, the form that every message has inside. What
 * could mean something else once it is a line of text never becomes one.
 */
import { STATUS_CODES } from 'node:http'
import type { FieldKind } from './fields.ts'
import { FIELD, Fields, isFieldText, isToken } from './fields.ts'
import type { RequestHead } from './request-head.ts'

/** Name, value, name, value, … as they came, or are to be sent. */
export type HeaderList = readonly string[]

/** What is wrong, or else the text. */
export type Translation = Readonly<{ problem: string; text: '' }> | Readonly<{ problem: null; text: string }>

const translated = (text: string): Translation => ({ problem: null, text })
const malformed = (problem: string): Translation => ({ problem, text: '' })

/** RFC 9113 §8.2.2: they speak of a connection that HTTP/2 does not have. `te` may be in the head of a request only. */
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
])

/** The head of a response as ResponseHead reads it. `ended`: nothing follows it. */
export function responseText(list: HeaderList, method: string, ended: boolean): Translation {
  let status = ''
  let lines = ''
  let hasLength = false
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] ?? ''
    const value = list[i + 1] ?? ''
    if (name === ':status') {
      if (status !== '') return malformed('more than one :status')
      if (lines !== '') return malformed(':status behind other fields')
      if (!/^[1-5][0-9][0-9]$/.test(value)) return malformed('malformed :status')
      status = value
      continue
    }
    const problem = fieldProblem(name, value)
    if (problem !== null) return malformed(problem)
    hasLength ||= name === 'content-length'
    lines += `${name}: ${value}\r\n`
  }
  if (status === '') return malformed('no :status')
  const framing = hasLength ? '' : responseFraming(status, method, ended)
  // HTTP/2 has no reason phrases. HTTP/1.1 can do without, but some of its clients cannot.
  return translated(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}${framing}\r\n`)
}

/** The end of the stream delimits the body; in HTTP/1.1 its head has to say what does. */
function responseFraming(status: string, method: string, ended: boolean): string {
  if (method === 'HEAD' || status < '200' || status === '204' || status === '304') return ''
  return ended ? 'Content-Length: 0\r\n' : 'Transfer-Encoding: chunked\r\n'
}

/** Field lines behind a body. What may be in them is for the rules of trailers to say. */
export function trailerText(list: HeaderList): Translation {
  let lines = ''
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] ?? ''
    const value = list[i + 1] ?? ''
    const problem = fieldProblem(name, value)
    if (problem !== null) return malformed(problem)
    lines += `${name}: ${value}\r\n`
  }
  return translated(lines)
}

/** RFC 9113 §8.2.1: what would break out of its line, or vanish when it is read again. */
export function fieldProblem(name: string, value: string): string | null {
  if (name.startsWith(':')) return 'a pseudo field out of place'
  if (!isToken(name) || name !== name.toLowerCase()) return 'malformed field name'
  if (CONNECTION_SPECIFIC.has(name)) return `${name} in HTTP/2`
  if (!isFieldText(value, 0, value.length)) return `control character in ${name}`
  return /^[ \t]|[ \t]$/.test(value) ? `blanks around ${name}` : null
}

/** `authority`: for requests whose Host is empty. */
export function requestList(head: RequestHead, scheme: string, authority: string): string[] {
  const { fields } = head
  const host = head.host === '' ? authority : head.host
  const list = [':method', head.method, ':scheme', scheme, ':authority', host, ':path', head.target]
  for (let i = 0; i < fields.count; i++) {
    if (!belongsToConnection(fields.kind(i))) list.push(fields.name(i).toLowerCase(), fields.value(i))
  }
  // RFC 9110 §10.1.4: trailers are taken here. Servers of gRPC refuse whoever does not say so.
  list.push('te', 'trailers')
  return list
}

/** Checked field lines as node:http2 takes trailers. */
export function trailerRecord(lines: string): Record<string, string[]> {
  const fields = new Fields()
  fields.scan(`${lines}\r\n`, 0, Number.POSITIVE_INFINITY)
  // Without a prototype: `__proto__` is a valid name of a field.
  const record: Record<string, string[]> = Object.create(null)
  for (let i = 0; i < fields.count; i++) {
    if (belongsToConnection(fields.kind(i))) continue
    const name = fields.name(i).toLowerCase()
    const values = record[name]
    if (values) values.push(fields.value(i))
    else record[name] = [fields.value(i)]
  }
  return record
}

/** Whatever node:http2 would throw on, too; and Host, which `:authority` stands for. */
function belongsToConnection(kind: FieldKind): boolean {
  switch (kind) {
    case FIELD.HOST:
    case FIELD.CONNECTION:
    case FIELD.KEEP_ALIVE:
    case FIELD.TRANSFER_ENCODING:
    case FIELD.UPGRADE:
    case FIELD.HOP_BY_HOP:
      return true
    default:
      return false
  }
}
