// Sends the bytes of one request vector through a proxy and says what is wrong with what happened. An empty list is a pass.

import { RawClient } from '../../support/raw-client.ts'
import { echo, echoBody, type RecordingUpstream } from '../../support/recording-upstream.ts'
import { type Field, type StrictRequest, type StrictResponse, valuesOf } from '../../support/strict-http.ts'
import type { Expectation, Forwarded, Refusal, Vector } from './vectors/vector.ts'

export type Rig = { readonly port: number; readonly upstream: RecordingUpstream; readonly deadline: number }

export type Outcome = {
  readonly responses: readonly StrictResponse[]
  readonly interims: readonly number[]
  readonly clientRest: string
  readonly ending: 'open' | 'end' | 'reset'
  readonly requests: readonly StrictRequest[]
  /** upstream connections left with something that is not a complete request */
  readonly leftovers: readonly { state: 'incomplete' | 'malformed'; why: string; closed: boolean }[]
  readonly problems: readonly string[]
}

let sentinels = 0

/** A normal request that must be answered normally; when it is, everything sent before has also arrived. */
export async function sentinel(rig: Rig): Promise<string[]> {
  const target = `/sentinel/${++sentinels}`
  const client = await RawClient.connect(rig.port)
  try {
    await client.send(`GET ${target} HTTP/1.1\r\nHost: sentinel.test\r\nConnection: close\r\n\r\n`)
    const response = await client.response('GET', rig.deadline)
    if (response.status !== 200) return [`a normal request afterwards got ${response.status}`]
    if (response.body !== echoBody('GET', target, '')) return [`a normal request afterwards got ${response.body}`]
    return []
  } catch (error) {
    return [`a normal request afterwards failed: ${String(error)}`]
  } finally {
    client.destroy()
  }
}

export type Sending = {
  readonly bytes: string
  readonly splits?: readonly number[]
  readonly end?: boolean
  /** final responses after which the client stops waiting */
  readonly answers: number
  readonly methods: readonly string[]
  /** wait for the proxy to close after the last answer */
  readonly closes?: boolean
}

export async function send(rig: Rig, sending: Sending): Promise<Outcome> {
  const problems: string[] = []
  rig.upstream.forget()
  const client = await RawClient.connect(rig.port)
  await client.send(sending.bytes, sending.splits)
  if (sending.end) client.halfClose()
  const attempt = async (waiting: Promise<unknown>): Promise<void> => {
    await waiting.catch((error: unknown) => problems.push(String(error)))
  }
  const answered = client.responses(sending.answers, sending.methods, rig.deadline)
  // Fewer answers than hoped for are for the judge to see; only silence is a problem of its own.
  await attempt(answered.catch((error: unknown) => (client.ending === 'open' ? Promise.reject(error) : undefined)))
  const last = client.read(sending.methods).finals.at(-1)
  const says = last && valuesOf(last.fields, 'connection').some((value) => /close/i.test(value))
  if ((sending.closes || says || isError(last)) && client.ending === 'open') await attempt(client.closed(rig.deadline))
  problems.push(...(await sentinel(rig)))
  const read = client.read(sending.methods)
  const ending = client.ending
  client.destroy()
  const unfinished = [...rig.upstream.connections].filter((connection) => connection.rest.state !== 'none')
  if (unfinished.length > 0) {
    const closed = () => unfinished.every((connection) => connection.ending !== 'open')
    await rig.upstream.until(closed, 'incomplete upstream connections to close', rig.deadline).catch(() => undefined)
  }
  const leftovers = unfinished.map(({ rest, ending: how }) => ({
    state: rest.state === 'malformed' ? ('malformed' as const) : ('incomplete' as const),
    why: rest.why,
    closed: how !== 'open',
  }))
  // Reported once, not again by every vector that follows.
  for (const connection of unfinished) {
    connection.socket.destroy()
    rig.upstream.connections.delete(connection)
  }
  return {
    responses: read.finals,
    interims: read.interims.map((interim) => interim.status),
    clientRest: read.rest === 'none' ? '' : `${read.rest}: ${read.why}`,
    ending,
    requests: rig.upstream.arrived.filter((request) => !request.target.startsWith('/sentinel/')),
    leftovers,
    problems,
  }
}

export function isError(response: StrictResponse | undefined): boolean {
  return response !== undefined && valuesOf(response.fields, 'understudy-error').length > 0
}

export function run(rig: Rig, vector: Vector, splits: readonly number[] = []): Promise<Outcome> {
  const { expect } = vector
  const answer = vector.answer
  rig.upstream.script = answer ? () => answer : echo
  const firstWord = /^[A-Z]+/.exec(vector.bytes)?.[0] ?? 'GET'
  return send(rig, {
    bytes: vector.bytes,
    splits,
    end: vector.end ?? false,
    answers: expect.forwarded.length + (expect.refused ? 1 : 0),
    methods: expect.forwarded.length > 0 ? expect.forwarded.map((request) => request.method) : [firstWord],
    closes: vector.seen?.closed === true,
  }).finally(() => {
    rig.upstream.script = echo
  })
}

export function judge(vector: Vector, outcome: Outcome): string[] {
  const { expect } = vector
  const reached = outcome.requests.length
  const refusedEarly = expect.mayRefuse && reached < expect.forwarded.length && isError(outcome.responses[reached])
  const judged: Expectation = refusedEarly
    ? { forwarded: expect.forwarded.slice(0, reached), refused: expect.mayRefuse, mayRefuse: null }
    : expect
  const problems = judgeForwarded(judged, vector, outcome)
  if (judged.refused) problems.push(...judgeRefusal(judged.refused, outcome, judged.forwarded.length))
  const bad = outcome.leftovers.filter((leftover) => leftover.state === 'malformed')
  const clientRest = outcome.clientRest === '' ? [] : [`the client received after its answers: ${outcome.clientRest}`]
  return [
    ...problems,
    ...bad.map((leftover) => `malformed at the upstream: ${leftover.why}`),
    ...clientRest,
    ...outcome.problems,
  ]
}

function judgeRefusal(refusal: Refusal, outcome: Outcome, before: number): string[] {
  const problems: string[] = []
  const answer = outcome.responses[before]
  if (!answer) {
    if (!(refusal.silent && outcome.ending !== 'open')) problems.push(`no refusal (${outcome.ending})`)
    return [...problems, ...count(outcome.requests.length, before), ...judgeLeftovers(refusal, outcome)]
  }
  if (!refusal.status.includes(answer.status)) problems.push(`refused with ${answer.status}, not ${refusal.status}`)
  const codes = valuesOf(answer.fields, 'understudy-error')
  if (codes.length !== 1 || !/^[a-z0-9_-]+$/i.test(codes[0] ?? '')) problems.push(`Understudy-Error: ${codes}`)
  if (outcome.ending === 'open') problems.push('the client connection stays open after the refusal')
  if (outcome.ending === 'reset') problems.push('the client connection is reset after the refusal')
  if (outcome.responses.length > before + 1) problems.push('another response after the refusal')
  return [...problems, ...count(outcome.requests.length, before), ...judgeLeftovers(refusal, outcome)]
}

function judgeLeftovers(refusal: Refusal, outcome: Outcome): string[] {
  if (refusal.upstream === 'nothing') {
    return outcome.leftovers.map(({ why }) => `bytes of a refused request at the upstream: ${why}`)
  }
  const open = outcome.leftovers.filter((leftover) => !leftover.closed)
  return open.map(({ why }) => `an incomplete request stays open at the upstream: ${why}`)
}

function count(actual: number, expected: number): string[] {
  return actual === expected ? [] : [`${actual} complete requests at the upstream, expected ${expected}`]
}

function judgeForwarded(expect: Expectation, vector: Vector, outcome: Outcome): string[] {
  const problems = expect.refused ? [] : count(outcome.requests.length, expect.forwarded.length)
  expect.forwarded.forEach((wanted, index) => {
    const got = outcome.requests[index]
    if (got) problems.push(...judgeRequest(wanted, got))
    const response = outcome.responses[index]
    if (!response) problems.push(`no answer ${index + 1} (${outcome.ending})`)
    else problems.push(...judgeAnswer(vector, wanted, response))
  })
  if (!expect.refused) {
    for (const leftover of outcome.leftovers) problems.push(`unexpected bytes at the upstream: ${leftover.why}`)
    if (vector.seen?.closed === false && outcome.ending !== 'open') problems.push(`connection ${outcome.ending}`)
    if (vector.seen?.closed === true && outcome.ending === 'open') problems.push('connection stays open')
  }
  return problems
}

function judgeAnswer(vector: Vector, wanted: Forwarded, response: StrictResponse): string[] {
  const problems: string[] = []
  const status = vector.seen?.status ?? 200
  const body =
    vector.seen?.body ?? (wanted.method === 'HEAD' ? '' : echoBody(wanted.method, wanted.target, wanted.body))
  if (response.status !== status) {
    problems.push(`answered ${response.status} (${valuesOf(response.fields, 'understudy-error')}), not ${status}`)
  }
  if (response.body !== body) problems.push(`answer body ${JSON.stringify(response.body.slice(0, 80))}, not ${body}`)
  if (vector.seen?.framing && response.framing !== vector.seen.framing) problems.push(`framing ${response.framing}`)
  return problems
}

const ALWAYS = ['host', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'via', 'x-request-id']
const FRAMING = ['content-length', 'transfer-encoding']

function judgeRequest(wanted: Forwarded, got: StrictRequest): string[] {
  const problems: string[] = []
  const same = (what: string, actual: unknown, expected: unknown): void => {
    const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (left !== right)
      problems.push(`${what} at the upstream is ${left.slice(0, 300)}, expected ${right.slice(0, 300)}`)
  }
  const all = (name: string): string => valuesOf(got.fields, name).join(', ')
  same('method', got.method, wanted.method)
  same('target', got.target, wanted.target)
  same('version', got.version, '1.1')
  same('body', got.body, wanted.body)
  if (got.trailers.length > 0) same('trailers', got.trailers, wanted.trailers)
  if (wanted.host !== null) {
    same('Host', all('host'), wanted.host)
    if (wanted.host !== '') same('X-Forwarded-Host', all('x-forwarded-host'), wanted.host)
  }
  same('X-Forwarded-For', all('x-forwarded-for'), '127.0.0.1')
  same('X-Forwarded-Proto', all('x-forwarded-proto'), 'http')
  same('Via', all('via'), wanted.via)
  const ids = valuesOf(got.fields, 'x-request-id')
  if (wanted.requestId !== null) same('X-Request-Id', ids, [wanted.requestId])
  else if (ids.length !== 1 || !/^[\w.\-:+/=]{8,}$/.test(ids[0] ?? '')) problems.push(`X-Request-Id ${ids}`)
  problems.push(...judgeFields(wanted, got.fields))
  return problems
}

function judgeFields(wanted: Forwarded, fields: readonly Field[]): string[] {
  const problems: string[] = []
  const optional: Record<string, string | null> = { connection: 'keep-alive', ...wanted.optional }
  const rest: Field[] = []
  const listed = new Set(wanted.fields.map(([name]) => name.toLowerCase()))
  for (const [name, value] of fields) {
    const key = name.toLowerCase()
    if (!listed.has(key) && (ALWAYS.includes(key) || FRAMING.includes(key))) continue
    if (!listed.has(key) && key in optional) {
      const only = optional[key]
      const kept = key === 'connection' && value.toLowerCase() === 'keep-alive'
      if (only !== null && !kept && value.toLowerCase() !== only)
        problems.push(`field ${name}: ${value} at the upstream`)
      continue
    }
    rest.push([key, key === 'connection' || key === 'upgrade' ? value.toLowerCase() : value])
  }
  const expected = wanted.fields.map(([name, value]): Field => [name.toLowerCase(), value])
  const byName = (list: readonly Field[]): string =>
    JSON.stringify([...list].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)))
  if (byName(rest) !== byName(expected)) {
    problems.push(
      `fields at the upstream are ${byName(rest).slice(0, 400)}, expected ${byName(expected).slice(0, 400)}`,
    )
  }
  return problems
}
