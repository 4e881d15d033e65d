/**
 * What of a message's head is passed on, dropped and added (RFC 9110 §7.6, RFC 9112). Lines that stay are copied in runs,
 * exactly as they came.
 */
import type { FieldKind, Fields } from '../wire/fields.ts'
import { FIELD } from '../wire/fields.ts'
import type { RequestHead } from '../wire/request-head.ts'
import type { ResponseHead } from '../wire/response-head.ts'
import type { FieldList } from './answer-sink.ts'
import type { ClientInfo } from './exchange.ts'

/** `defaultHost`: for HTTP/1.0 requests without a Host. */
export type RequestFacts = Readonly<{ client: ClientInfo; requestId: string; defaultHost: string }>

const MAX_REQUEST_ID = 128

export function requestText(head: RequestHead, { client, requestId, defaultHost }: RequestFacts): string {
  const keepId = head.requestId === requestId
  const keep = (kind: FieldKind, index: number): boolean => {
    switch (kind) {
      case FIELD.ORDINARY:
      case FIELD.VIA:
      case FIELD.IDEMPOTENCY_KEY:
        return !isNominated(head.nominated, head.fields, index)
      case FIELD.HOST:
        return true
      case FIELD.CONTENT_LENGTH:
        return head.lengths === 1
      case FIELD.REQUEST_ID:
        return keepId
      case FIELD.EXPECT:
        return head.expectsContinue
      case FIELD.FORWARDED:
        return client.trusted && isBelieved(head.fields.name(index).toLowerCase(), client)
      default:
        return false
    }
  }
  return (
    `${head.method} ${head.target} HTTP/1.1\r\n${keptLines(head.fields, keep)}` +
    `${hostLine(head, defaultHost)}${requestFraming(head)}` +
    `${forwardedLines(head, client)}${keepId ? '' : `X-Request-Id: ${requestId}\r\n`}${client.identity}` +
    `Via: ${client.version} understudy\r\n\r\n`
  )
}

/** What a trusted peer says of the clients behind it, unless it is continued or said anew here. */
function isBelieved(name: string, { identity }: ClientInfo): boolean {
  return name !== 'x-forwarded-for' && (identity === '' || !name.startsWith('client-cert'))
}

/** The client's own request id where it is harmless, else a new one. */
export function chooseRequestId(head: RequestHead, make: () => string): string {
  const { requestId } = head
  return requestId !== '' && requestId.length <= MAX_REQUEST_ID && /^[\x21-\x7e]+$/.test(requestId) ? requestId : make()
}

/** HTTP/1.0 knows requests without Host, HTTP/1.1 does not; a Host that came empty is kept as it is. */
function hostLine(head: RequestHead, defaultHost: string): string {
  if (head.hasHost) return ''
  return `Host: ${head.host === '' ? defaultHost : head.host}\r\n`
}

function requestFraming(head: RequestHead): string {
  const length = head.lengths > 1 ? `Content-Length: ${head.length}\r\n` : ''
  const coding = head.body === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
  const upgrade = head.upgrade === '' ? '' : `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`
  return length + coding + upgrade
}

function forwardedLines(head: RequestHead, { address, secure, trusted }: ClientInfo): string {
  if (!trusted) {
    const host = head.host === '' ? '' : `X-Forwarded-Host: ${head.host}\r\n`
    return `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${secure ? 'https' : 'http'}\r\n${host}`
  }
  const { fields } = head
  const before: string[] = []
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind(i) === FIELD.FORWARDED && fields.name(i).toLowerCase() === 'x-forwarded-for')
      before.push(fields.value(i))
  }
  return `X-Forwarded-For: ${[...before, address].join(', ')}\r\n`
}

export type AnswerFraming = Readonly<{
  /** Added although the upstream did not say it: a body without a length becomes chunked for whoever knows that. */
  chunked: boolean
  connection: '' | 'close' | 'keep-alive'
  requestId: string
}>

/** Whether a response's field is passed on as it came. */
function keepsAnswerField(head: ResponseHead, kind: FieldKind, index: number): boolean {
  switch (kind) {
    case FIELD.ORDINARY:
    case FIELD.VIA:
    case FIELD.FORWARDED:
    case FIELD.REQUEST_ID:
    case FIELD.HOST:
    case FIELD.EXPECT:
    case FIELD.IDEMPOTENCY_KEY:
      return !isNominated(head.nominated, head.fields, index)
    case FIELD.CONTENT_LENGTH:
      return head.lengths === 1 && mayHaveLength(head)
    default:
      return false
  }
}

/** RFC 9110 §8.6: neither 1xx nor 204 have a length to speak of. */
const mayHaveLength = ({ status }: ResponseHead): boolean => status >= 200 && status !== 204

export function responseText(head: ResponseHead, framing: AnswerFraming): string {
  const keep = (kind: FieldKind, index: number): boolean => keepsAnswerField(head, kind, index)
  const length = head.lengths > 1 && mayHaveLength(head) ? `Content-Length: ${head.length}\r\n` : ''
  const coding = framing.chunked ? 'Transfer-Encoding: chunked\r\n' : ''
  const connection = framing.connection === '' ? '' : `Connection: ${framing.connection}\r\n`
  const id = head.hasRequestId || framing.requestId === '' ? '' : `X-Request-Id: ${framing.requestId}\r\n`
  return `HTTP/1.1 ${head.statusText}\r\n${keptLines(head.fields, keep)}${length}${coding}${id}${connection}\r\n`
}

/** The same fields for fronts that frame messages themselves, and therefore take no text. */
export function responseFields(head: ResponseHead, requestId: string): FieldList {
  const { fields } = head
  const list: (readonly [string, string])[] = []
  for (let i = 0; i < fields.count; i++) {
    if (keepsAnswerField(head, fields.kind(i), i)) list.push([fields.name(i), fields.value(i)])
  }
  if (head.lengths > 1 && mayHaveLength(head)) list.push(['Content-Length', `${head.length}`])
  if (!head.hasRequestId && requestId !== '') list.push(['X-Request-Id', requestId])
  return list
}

export function switchingText(head: ResponseHead, protocol: string): string {
  const keep = (kind: FieldKind): boolean => kind === FIELD.ORDINARY || kind === FIELD.VIA
  return `HTTP/1.1 ${head.statusText}\r\n${keptLines(head.fields, keep)}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`
}

function keptLines(fields: Fields, keep: (kind: FieldKind, index: number) => boolean): string {
  let text = ''
  let run = fields.lineStart(0)
  for (let i = 0; i < fields.count; i++) {
    if (keep(fields.kind(i), i)) continue
    text += fields.text.slice(run, fields.lineStart(i))
    run = fields.lineEnd(i)
  }
  return fields.count === 0 ? '' : text + fields.text.slice(run, fields.text.length - 2)
}

function isNominated(nominated: readonly string[], fields: Fields, index: number): boolean {
  return nominated.length > 0 && nominated.includes(fields.name(index).toLowerCase())
}
