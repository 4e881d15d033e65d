// Lets an upstream give one scripted answer through a proxy and says what is wrong with what the client saw.

import { RawClient } from '../../support/raw-client.ts'
import { type Answer, echo, echoBody, type RecordingUpstream } from '../../support/recording-upstream.ts'
import { turns } from '../../support/signal.ts'
import { type ResponseStream, valuesOf } from '../../support/strict-http.ts'
import { isError, type Rig, sentinel } from './run-vector.ts'
import type { ResponseVector } from './vectors/responses.ts'

export type ResponseOutcome = {
  readonly read: ResponseStream
  readonly text: string
  readonly ending: 'open' | 'end' | 'reset'
  readonly problems: readonly string[]
}

export async function runResponse(
  rig: Rig,
  vector: ResponseVector,
  splits?: readonly number[],
): Promise<ResponseOutcome> {
  const { upstream } = rig
  const answer: Answer = splits ? { ...vector.answer, splits } : vector.answer
  const used = new Set<RecordingUpstream['connections'] extends Set<infer C> ? C : never>()
  upstream.forget()
  upstream.script = (_request, connection) => {
    used.add(connection)
    return answer
  }
  const problems: string[] = []
  const client = await RawClient.connect(rig.port)
  try {
    await client.send(`${vector.method} /vector HTTP/1.1\r\nHost: example.test\r\n\r\n`)
    await client.responses(1, [vector.method], rig.deadline).catch((error: unknown) => {
      if (client.ending === 'open') problems.push(String(error))
    })
    const read = client.read([vector.method])
    const text = client.text
    // Bytes that come after the next request was sent would be its answer for any proxy: let all of them come before.
    const given = () => [...used].every((connection) => connection.answering === 0)
    await upstream.until(given, 'the upstream to finish its answer', rig.deadline).catch(() => undefined)
    await turns()
    if (read.finals.length === 1 && client.ending === 'open') problems.push(...(await next(rig, client)))
    problems.push(...(await sentinel(rig)))
    if (vector.expect.kind !== 'passed') {
      const closed = () => [...used].every((connection) => connection.ending !== 'open')
      const what = 'the upstream connection of a bad answer to close'
      await upstream.until(closed, what, rig.deadline).catch((error: unknown) => problems.push(String(error)))
    }
    return { read, text, ending: client.ending, problems }
  } finally {
    upstream.script = echo
    client.destroy()
  }
}

/** The connection the answer came on must still be usable, or be closed; it must not hold anything of the answer. */
async function next(rig: Rig, client: RawClient): Promise<string[]> {
  client.forget()
  await client.send('GET /sentinel/same HTTP/1.1\r\nHost: example.test\r\n\r\n')
  const settled = await client.responses(1, ['GET'], rig.deadline).catch((error: unknown) => error)
  if (!Array.isArray(settled)) {
    return client.ending !== 'open' && client.text === ''
      ? []
      : [`the next request on the connection: ${String(settled)}`]
  }
  const read = client.read(['GET'])
  const body = read.finals[0]?.body
  return body === echoBody('GET', '/sentinel/same', '') && read.rest === 'none'
    ? []
    : [`the next request on the connection was answered ${JSON.stringify(client.text.slice(0, 200))}`]
}

export function judgeResponse(vector: ResponseVector, outcome: ResponseOutcome): string[] {
  const { expect } = vector
  const { read } = outcome
  const problems = [...outcome.problems]
  const final = read.finals[0]
  const bad = isError(final) && [502, 503, 504].includes(final?.status ?? 0)
  if (read.rest === 'malformed') problems.push(`malformed at the client: ${read.why}`)
  if (outcome.text.includes('EVIL') && !expect.body?.includes('EVIL')) problems.push('EVIL reached the client')
  if (read.finals.length > 1) problems.push(`${read.finals.length} answers to one request`)
  if (bad && (expect.kind !== 'passed' || expect.mayRefuse)) return problems
  if (expect.kind === 'refused') {
    return [...problems, `not answered 502 with Understudy-Error but ${JSON.stringify(outcome.text.slice(0, 120))}`]
  }
  if (expect.kind === 'visible') {
    if (final) problems.push(`a complete ${final.status} (${final.framing}) reached the client`)
    if (outcome.ending === 'open') problems.push('the client waits for the rest of a body that will not come')
    if (outcome.text.includes('Understudy-Error')) problems.push('an error was appended to a started answer')
    return problems
  }
  if (!final) return [...problems, `no answer (${outcome.ending}, ${read.rest}: ${read.why})`]
  if (final.status !== expect.status)
    problems.push(`status ${final.status} (${valuesOf(final.fields, 'understudy-error')})`)
  if (final.body !== (expect.body ?? '')) problems.push(`body ${JSON.stringify(final.body.slice(0, 80))}`)
  if (expect.framing && final.framing !== expect.framing) problems.push(`framing ${final.framing}`)
  for (const name of new Set((expect.has ?? []).map(([key]) => key.toLowerCase()))) {
    const wanted = valuesOf(expect.has ?? [], name)
    const got = valuesOf(final.fields, name)
    if (JSON.stringify(got) !== JSON.stringify(wanted)) problems.push(`${name}: ${JSON.stringify(got)}`)
  }
  for (const name of expect.hasNot ?? []) {
    if (valuesOf(final.fields, name).length > 0) problems.push(`${name} reached the client`)
  }
  if (expect.interims) {
    const seen = read.interims.map((interim) => interim.status)
    if (JSON.stringify(seen) !== JSON.stringify(expect.interims)) problems.push(`interim answers ${seen}`)
  }
  return problems
}
