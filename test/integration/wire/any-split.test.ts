// How bytes are cut into packets must not change what they mean: any split of the bytes of a vector, sent by a client or
// by an upstream, gives the same result.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type StartedRig, share } from './pass-through.ts'
import { startRig } from './rig.ts'
import { judgeResponse, runResponse } from './run-response.ts'
import { isError, judge, type Outcome, run } from './run-vector.ts'
import { requestVectors } from './vectors/requests.ts'
import { type ResponseVector, responseVectors } from './vectors/responses.ts'
import type { Vector } from './vectors/vector.ts'

const SEED = 20_241
const requests = [...requestVectors.values()].flat()
const answers = [...responseVectors.values()].flat()
const every = (step: number) => (_: unknown, index: number) => index % step === 0

let rigs: StartedRig[] = []
beforeAll(async () => {
  rigs = await Promise.all(Array.from({ length: 6 }, () => startRig()))
})
afterAll(() => Promise.all(rigs.map((rig) => rig.stop())))

/** What must not depend on the split. How far a refused body got upstream may; `judge` looks after that. */
function digest(outcome: Outcome): string {
  return JSON.stringify({
    responses: outcome.responses.map((response) => [response.status, isError(response) ? 'refused' : response.body]),
    open: outcome.ending === 'open',
    requests: outcome.requests.map((request) => [
      request.method,
      request.target,
      // Made for each request, a matter of framing, or (for HTTP/1.0 without Host) the address of this rig's upstream.
      request.fields
        .filter(([name]) => !/^(x-request-id|content-length|transfer-encoding)$/i.test(name))
        .filter(([, value]) => !/^127\.0\.0\.1:\d+$/.test(value)),
      request.body,
      request.trailers,
    ]),
  })
}

const whole = new Map<string, Promise<string>>()

/** A piece that arrives after the proxy closed is answered with a reset: only the network's business. */
const late = 'the client connection is reset after the refusal'

async function splitRequest(rig: StartedRig, vector: Vector, splits: readonly number[]): Promise<string[]> {
  const key = vector.name + vector.bytes
  if (!whole.has(key)) whole.set(key, run(rig, vector).then(digest))
  const unsplit = await whole.get(key)
  const outcome = await run(rig, vector, splits)
  const problems = judge(vector, outcome).filter((problem) => problem !== late)
  const now = digest(outcome)
  if (now !== unsplit) problems.push(`unsplit: ${unsplit}, split: ${now}`)
  return problems.map((problem) => `${vector.name}, cut at ${splits.slice(0, 20)}: ${problem}`)
}

async function splitAnswer(rig: StartedRig, vector: ResponseVector, splits: readonly number[]): Promise<string[]> {
  const problems = judgeResponse(vector, await runResponse(rig, vector, splits))
  return problems.map((problem) => `${vector.name}, cut at ${splits.slice(0, 20)}: ${problem}`)
}

const positions = (length: number): number[] => Array.from({ length: length - 1 }, (_, index) => index + 1)

async function allFine<T>(items: readonly T[], work: (rig: StartedRig, item: T) => Promise<string[]>): Promise<void> {
  const problems: string[] = []
  await share(items, rigs, async (rig, item) => {
    if (problems.length < 10) problems.push(...(await work(rig as StartedRig, item)))
  })
  expect(problems.slice(0, 10)).toEqual([])
}

describe('a request', () => {
  test('means the same when cut in two at any position', async () => {
    const short = requests.filter((vector) => vector.bytes.length <= 200).filter(every(9))
    expect(short.length).toBeGreaterThan(25)
    const cases = short.flatMap((vector) => positions(vector.bytes.length).map((at) => ({ vector, at })))
    await allFine(cases, (rig, { vector, at }) => splitRequest(rig, vector, [at]))
  }, 60_000)

  test('means the same when every byte comes alone', async () => {
    const short = requests.filter((vector) => vector.bytes.length <= 300)
    expect(short.length).toBeGreaterThan(200)
    await allFine(short, (rig, vector) => splitRequest(rig, vector, positions(vector.bytes.length)))
  }, 60_000)

  test('means the same when cut anywhere any number of times', async () => {
    const cut = fc.constantFrom(...requests).chain((vector) =>
      fc.record({
        vector: fc.constant(vector),
        splits: fc.array(fc.nat({ max: vector.bytes.length }), { minLength: 1, maxLength: 8 }),
      }),
    )
    const property = fc.asyncProperty(cut, async ({ vector, splits }) => {
      const rig = rigs[0]
      if (!rig) throw new Error('no rig')
      expect(await splitRequest(rig, vector, splits)).toEqual([])
    })
    await fc.assert(property, { seed: SEED, numRuns: 400 })
  }, 60_000)
})

describe('an answer', () => {
  test('means the same when cut in two at any position', async () => {
    const short = answers.filter((vector) => vector.answer.bytes.length <= 140).filter(every(4))
    expect(short.length).toBeGreaterThan(20)
    const cases = short.flatMap((vector) => positions(vector.answer.bytes.length).map((at) => ({ vector, at })))
    await allFine(cases, (rig, { vector, at }) => splitAnswer(rig, vector, [at]))
  }, 60_000)

  test('means the same when every byte comes alone', async () => {
    const short = answers.filter((vector) => vector.answer.bytes.length > 0 && vector.answer.bytes.length <= 300)
    expect(short.length).toBeGreaterThan(80)
    await allFine(short, (rig, vector) => splitAnswer(rig, vector, positions(vector.answer.bytes.length)))
  }, 60_000)

  test('means the same when cut anywhere any number of times', async () => {
    const cut = fc.constantFrom(...answers).chain((vector) =>
      fc.record({
        vector: fc.constant(vector),
        splits: fc.array(fc.nat({ max: vector.answer.bytes.length }), { minLength: 1, maxLength: 8 }),
      }),
    )
    const property = fc.asyncProperty(cut, async ({ vector, splits }) => {
      const rig = rigs[0]
      if (!rig) throw new Error('no rig')
      expect(await splitAnswer(rig, vector, splits)).toEqual([])
    })
    await fc.assert(property, { seed: SEED, numRuns: 250 })
  }, 60_000)
})
