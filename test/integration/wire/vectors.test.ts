// Every vector, one test each, through one proxy for the requests and one for the answers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StartedRig } from './pass-through.ts'
import { startRig } from './rig.ts'
import { judgeResponse, runResponse } from './run-response.ts'
import { judge, run } from './run-vector.ts'
import { requestVectors } from './vectors/requests.ts'
import { responseVectors } from './vectors/responses.ts'

let rig: StartedRig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig?.stop())

test('there are enough vectors, and no two of a group have the same name', () => {
  const groups = [...requestVectors.values(), ...responseVectors.values()]
  expect(groups.flat().length).toBeGreaterThanOrEqual(170)
  for (const group of groups) expect(new Set(group.map((vector) => vector.name)).size).toBe(group.length)
})

for (const [group, vectors] of requestVectors) {
  describe(`a request, ${group}:`, () => {
    for (const vector of vectors) {
      test(vector.name, async () => {
        expect(judge(vector, await run(rig, vector)), vector.why).toEqual([])
      })
    }
  })
}

for (const [group, vectors] of responseVectors) {
  describe(`an answer, ${group}:`, () => {
    for (const vector of vectors) {
      test(vector.name, async () => {
        expect(judgeResponse(vector, await runResponse(rig, vector)), vector.why).toEqual([])
      })
    }
  })
}
