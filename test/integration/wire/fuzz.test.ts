// A seeded mutation fuzzer. What it may find: a request that reaches the upstream although an independent strict reader
// sees none in the bytes of the client, or sees another one.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { judgeMutant, methodsIn, requestsIn } from './mutant-oracle.ts'
import { MUTANT_SEEDS, mutate, randomFrom } from './mutate.ts'
import { type StartedRig, share } from './pass-through.ts'
import { startRig } from './rig.ts'
import { isError, send } from './run-vector.ts'

const CASES = Number(process.env.FUZZ_CASES ?? 3_000)
const SEED = Number(process.env.FUZZ_SEED ?? 1)

let rigs: StartedRig[] = []
beforeAll(async () => {
  rigs = await Promise.all(Array.from({ length: 6 }, () => startRig()))
})
afterAll(() => Promise.all(rigs.map((rig) => rig.stop())))

test('the unmutated requests are all forwarded', async () => {
  const rig = rigs[0]
  if (!rig) throw new Error('no rig')
  for (const bytes of MUTANT_SEEDS) {
    const sent = requestsIn(bytes)
    expect(sent.length, bytes).toBeGreaterThan(0)
    const methods = sent.map((request) => request.method)
    const outcome = await send(rig, { bytes, end: true, answers: sent.length, methods, closes: true })
    expect(judgeMutant(bytes, outcome), bytes).toEqual([])
    expect(outcome.requests.length, bytes).toBe(sent.length)
  }
})

test(`of ${CASES} mutated requests each is refused or means the same to the upstream`, async () => {
  const random = randomFrom(SEED)
  const failures: string[] = []
  let forwarded = 0
  let refused = 0
  const cases = Array.from({ length: CASES }, () => mutate(random))
  await share(cases, rigs, async (rig, bytes) => {
    if (failures.length >= 5) return
    const methods = methodsIn(bytes)
    const outcome = await send(rig, { bytes, end: true, answers: methods.length, methods, closes: true })
    const problems = judgeMutant(bytes, outcome)
    if (outcome.requests.length > 0) forwarded += 1
    if (outcome.responses.some((response) => isError(response))) refused += 1
    if (problems.length > 0) failures.push(`${JSON.stringify(bytes)}: ${problems.join('; ')}`)
  })
  expect(failures).toEqual([])
  // Both sides of the oracle must have been exercised.
  expect(forwarded).toBeGreaterThan(CASES / 20)
  expect(refused).toBeGreaterThan(CASES / 4)
}, 60_000)
