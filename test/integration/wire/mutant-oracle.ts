// Says what is wrong when mutated bytes went through a proxy: every request at the upstream must be one that an
// independent strict reader finds in the bytes of the client, in the same order, answered to the right one.

import { echoBody } from '../../support/recording-upstream.ts'
import { readRequest, type StrictRequest, valuesOf } from '../../support/strict-http.ts'
import { isError, type Outcome } from './run-vector.ts'

type Sent = { readonly requests: readonly StrictRequest[]; readonly rest: string }

/** Every request the client's bytes hold, up to the first thing that is not one. */
function readSent(bytes: string): Sent {
  const requests: StrictRequest[] = []
  let at = 0
  while (true) {
    // RFC 9112 2.2: one empty line before a request line may be ignored.
    if (bytes.startsWith('\r\n', at)) at += 2
    const next = readRequest(bytes, at, 'client')
    if (next.state !== 'complete') return { requests, rest: bytes.slice(at) }
    requests.push(next.value)
    at = next.end
  }
}

export function requestsIn(bytes: string): readonly StrictRequest[] {
  return readSent(bytes).requests
}

/** The methods by which the answers are to be read: a refusal of what begins like HEAD may have no body. */
export function methodsIn(bytes: string): string[] {
  const { requests, rest } = readSent(bytes)
  return [...requests.map((request) => request.method), rest.startsWith('HEAD ') ? 'HEAD' : 'GET']
}

function originForm(target: string): string {
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '')
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest
}

function essence(request: StrictRequest): string {
  return JSON.stringify([
    request.method,
    originForm(request.target),
    request.body,
    ...valuesOf(request.fields, 'cookie'),
    ...valuesOf(request.fields, 'authorization'),
  ])
}

export function judgeMutant(bytes: string, outcome: Outcome): string[] {
  const problems = [...outcome.problems]
  const sent = requestsIn(bytes)
  const good = outcome.responses.filter((response) => !isError(response))
  outcome.requests.forEach((request, index) => {
    const origin = sent[index]
    if (!origin) problems.push(`the upstream got a request the client did not send: ${essence(request)}`)
    else if (essence(origin) !== essence(request)) problems.push(`sent ${essence(origin)}, got ${essence(request)}`)
    const body = request.method === 'HEAD' ? '' : echoBody(request.method, request.target, request.body)
    if (good[index] && good[index]?.body !== body) problems.push(`the answer ${good[index]?.body} is not for ${body}`)
  })
  if (good.length !== outcome.requests.length)
    problems.push(`${outcome.requests.length} requests, ${good.length} answers`)
  const refusal = outcome.responses.find((response) => isError(response))
  if (refusal && !/^(4\d\d|501|505)$/.test(String(refusal.status))) problems.push(`refused with ${refusal.status}`)
  // What only begins like HEAD may be refused with a body or without: the connection closes after it either way.
  const perhapsHead = readSent(bytes).rest.startsWith('HEAD ') && isError(outcome.responses.at(-1))
  if (outcome.clientRest !== '' && !perhapsHead) problems.push(`the client got ${outcome.clientRest}`)
  for (const leftover of outcome.leftovers) {
    if (leftover.state === 'malformed') problems.push(`malformed at the upstream: ${leftover.why}`)
    if (!leftover.closed) problems.push(`an incomplete request stays open at the upstream: ${leftover.why}`)
  }
  return problems
}
