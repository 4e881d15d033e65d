// The vectors of the express lane through a listener with routes of its own, where Node's parser reads first. Where it
// reads more than RFC 9112 allows, what it made of it must still be exactly one request that is well-formed.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProxy } from '../../support/proxy.ts'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import type { StartedRig } from '../wire/pass-through.ts'
import { CALM } from '../wire/rig.ts'
import { judgeResponse, runResponse } from '../wire/run-response.ts'
import { judge, run } from '../wire/run-vector.ts'
import { requestVectors } from '../wire/vectors/requests.ts'
import { responseVectors } from '../wire/vectors/responses.ts'
import { asNodeReads, WAITED_FOR } from './support/as-node-reads.ts'

let rig: StartedRig
beforeAll(async () => {
  const upstream = await RecordingUpstream.start()
  const proxy = await startProxy({
    upstreams: [{ name: 'blue', port: upstream.port }],
    poolOverrides: CALM,
    listenerOverrides: { front: { routes: [{ path: '/local', respond: {} }] } },
  })
  const stop = async (): Promise<void> => {
    await proxy.stop()
    await upstream.stop()
  }
  rig = { port: proxy.port, upstream, deadline: 3_000, stop }
})
afterAll(() => rig?.stop())

for (const [group, vectors] of requestVectors) {
  describe(`a request, ${group}:`, () => {
    for (const vector of vectors.map(asNodeReads)) {
      test(vector.name, async () => {
        if (!WAITED_FOR.includes(vector.name))
          return expect(judge(vector, await run(rig, vector)), vector.why).toEqual([])
        const outcome = await run({ ...rig, deadline: 300 }, vector)
        expect(outcome).toMatchObject({ requests: [], responses: [], ending: 'open' })
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
