/** Every answer that the proxy makes by itself: one table of codes, and the one place that turns a code into HTTP. */
import type { Failure } from '../core/failure.ts'
import type { Refusal, RequestHead } from '../wire/request-head.ts'
import type { FieldList } from './answer-sink.ts'

type Entry = Readonly<{ status: number; phrase: string; text: string }>

const TABLE = {
  bad_request: { status: 400, phrase: 'Bad Request', text: 'The request is not valid HTTP.' },
  request_timeout: { status: 408, phrase: 'Request Timeout', text: 'The request did not arrive in time.' },
  content_too_large: {
    status: 413,
    phrase: 'Content Too Large',
    text: 'The framing of the request body is too large.',
  },
  uri_too_long: { status: 414, phrase: 'URI Too Long', text: 'The request target is too long.' },
  expectation_failed: { status: 417, phrase: 'Expectation Failed', text: 'Only 100-continue may be expected.' },
  head_too_large: { status: 431, phrase: 'Request Header Fields Too Large', text: 'The request head is too large.' },
  not_implemented: { status: 501, phrase: 'Not Implemented', text: 'The request asks for something not supported.' },
  version_not_supported: { status: 505, phrase: 'HTTP Version Not Supported', text: 'Use HTTP/1.1.' },
  upstream_unreachable: { status: 502, phrase: 'Bad Gateway', text: 'The upstream could not be reached.' },
  upstream_broke: { status: 502, phrase: 'Bad Gateway', text: 'The upstream broke off before it had answered.' },
  upstream_protocol: {
    status: 502,
    phrase: 'Bad Gateway',
    text: 'The upstream answered with something that is not valid HTTP.',
  },
  upstream_timeout: { status: 504, phrase: 'Gateway Timeout', text: 'The upstream did not answer in time.' },
  no_upstream: {
    status: 503,
    phrase: 'Service Unavailable',
    text: 'No upstream is fit to serve this request right now.',
  },
  overloaded: { status: 503, phrase: 'Service Unavailable', text: 'Too many requests are waiting.' },
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof TABLE

export type ErrorReply = Readonly<{ code: ErrorCode; detail: string; close: boolean }>

const REFUSALS: Record<Refusal['status'], ErrorCode> = {
  400: 'bad_request',
  408: 'request_timeout',
  413: 'content_too_large',
  414: 'uri_too_long',
  417: 'expectation_failed',
  431: 'head_too_large',
  501: 'not_implemented',
  505: 'version_not_supported',
}

/** After a refusal nothing on the connection can be trusted any more. */
export function refusalReply(refusal: Refusal): ErrorReply {
  return { code: REFUSALS[refusal.status], detail: refusal.reason, close: true }
}

/** How the failure of the last attempt is told to the client. */
export function errorCodeOf(failure: Failure): ErrorCode {
  if (failure.kind === 'protocol') return 'upstream_protocol'
  if (failure.phase === 'connecting') return 'upstream_unreachable'
  return failure.kind === 'timeout' || failure.kind === 'hang' ? 'upstream_timeout' : 'upstream_broke'
}

export const errorStatus = (code: ErrorCode): number => TABLE[code].status

/** What the answer is given from; the same for every front. */
export type ErrorContext = Readonly<{
  /** Only when it was understood: without it the answer is plain text. */
  head: RequestHead | null
  /** The request was a HEAD, as far as it was understood. */
  headOnly: boolean
  /** '' when the request was not understood. */
  requestId: string
}>

/** `body`: '' for a HEAD, whatever its Content-Length says. */
export type ErrorAnswer = Readonly<{ status: number; phrase: string; fields: FieldList; body: string }>

export function errorAnswer(reply: ErrorReply, { head, headOnly, requestId }: ErrorContext): ErrorAnswer {
  const { status, phrase, text } = TABLE[reply.code]
  const message = reply.detail === '' ? text : `${text} (${reply.detail})`
  const wantsJson = head?.fields.find('accept')?.includes('json') ?? false
  // Whether a refused request was a HEAD may be seen differently at the other end: without a body both are right.
  const body =
    headOnly && !head
      ? ''
      : wantsJson
        ? `${JSON.stringify({ code: reply.code, message })}\n`
        : `${status} ${phrase}\n${message}\nUnderstudy-Error: ${reply.code}\n`
  const fields: (readonly [string, string])[] = [['Understudy-Error', reply.code]]
  if (status === 503) fields.push(['Retry-After', '1'])
  fields.push(['Content-Type', wantsJson ? 'application/json' : 'text/plain; charset=utf-8'])
  fields.push(['Cache-Control', 'no-store'], ['Content-Length', `${body.length}`])
  if (requestId !== '') fields.push(['X-Request-Id', requestId])
  return { status, phrase, fields, body: headOnly ? '' : body }
}

/** The whole answer as one text. */
export function errorText(reply: ErrorReply, context: ErrorContext, close: boolean): string {
  const { status, phrase, fields, body } = errorAnswer(reply, context)
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const connection = close ? 'Connection: close\r\n' : context.head?.minor === 0 ? 'Connection: keep-alive\r\n' : ''
  return `HTTP/1.1 ${status} ${phrase}\r\n${lines}${connection}\r\n${body}`
}
