// The shape of a request vector and the words the vector files are written in.

import type { Answer } from '../../../support/recording-upstream.ts'
import type { Field } from '../../../support/strict-http.ts'

/** The one request that must reach the upstream. Whatever the proxy always sets is checked by the runner itself. */
export type Forwarded = {
  readonly method: string
  readonly target: string
  /** `null`: the proxy chooses (HTTP/1.0 without Host) */
  readonly host: string | null
  /** end-to-end fields in order, exactly these */
  readonly fields: readonly Field[]
  /** names whose presence is the proxy's choice, with the only value they may have (null: any) */
  readonly optional: Readonly<Record<string, string | null>>
  readonly body: string
  readonly trailers: readonly Field[]
  readonly via: string
  /** `null`: one is made */
  readonly requestId: string | null
}
/** `silent`: closing without an answer is also right (nobody may be there to read it). */
export type Refusal = {
  readonly status: readonly number[]
  readonly upstream: 'nothing' | 'incomplete'
  readonly silent?: boolean
}
export type Expectation = {
  readonly forwarded: readonly Forwarded[]
  readonly refused: Refusal | null
  /** the proxy may also refuse what is listed in `forwarded` */
  readonly mayRefuse: Refusal | null
}
/** What the client must see of the answer, where that is not simply the upstream's answer on an open connection. */
type Seen = {
  readonly status?: number
  readonly body?: string
  readonly framing?: 'none' | 'length' | 'chunked' | 'close'
  readonly closed?: boolean
}
export type Vector = {
  readonly name: string
  readonly why: string
  readonly bytes: string
  readonly expect: Expectation
  /** instead of the echo */
  readonly answer?: Answer
  readonly seen?: Seen
  /** the client sends FIN after the bytes */
  readonly end?: boolean
}

const standard: Forwarded = {
  method: 'GET',
  target: '/vector',
  host: 'example.test',
  fields: [],
  optional: {},
  body: '',
  trailers: [],
  via: '1.1 understudy',
  requestId: null,
}

export function refused(...status: number[]): Expectation {
  return { forwarded: [], refused: { status, upstream: 'nothing' }, mayRefuse: null }
}
/** Refused when the head had already been passed on: the upstream may have an incomplete request, then a closed connection. */
export function cutOff(...status: number[]): Expectation {
  return { forwarded: [], refused: { status, upstream: 'incomplete' }, mayRefuse: null }
}
export function silently(expect: Expectation): Expectation {
  return { ...expect, refused: expect.refused && { ...expect.refused, silent: true } }
}
/** Without arguments: the one standard request. */
export function forwarded(...requests: Partial<Forwarded>[]): Expectation {
  const wanted = requests.length === 0 ? [{}] : requests
  return { forwarded: wanted.map((request) => ({ ...standard, ...request })), refused: null, mayRefuse: null }
}
export function thenRefused(before: Expectation, ...status: number[]): Expectation {
  return { ...before, refused: { status, upstream: 'nothing' } }
}
/** The RFC leaves it open: refused with one of `status`, or exactly this request. */
export function either(status: readonly number[], request: Partial<Forwarded> = {}): Expectation {
  return mayRefuse(forwarded(request), ...status)
}
export function mayRefuse(expect: Expectation, ...status: number[]): Expectation {
  return { ...expect, mayRefuse: { status, upstream: 'incomplete' } }
}

/** A request head: `line` and the fields as they are, Host included only if written. */
export function head(line: string, ...fields: string[]): string {
  return `${[line, ...fields].join('\r\n')}\r\n\r\n`
}
export function get(...fields: string[]): string {
  return head('GET /vector HTTP/1.1', 'Host: example.test', ...fields)
}
export function post(body: string, ...fields: string[]): string {
  return `${head('POST /vector HTTP/1.1', 'Host: example.test', ...fields)}${body}`
}
export function vector(
  name: string,
  why: string,
  bytes: string,
  expect: Expectation,
  more: Partial<Vector> = {},
): Vector {
  return { name, why, bytes, expect, ...more }
}
