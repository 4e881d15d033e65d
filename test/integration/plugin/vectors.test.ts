// The vectors of the express lane through an application, whose server answers malformed requests in its own way: nothing
// gets through to the upstream that would not get through there.

import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import { understudy } from 'understudy-proxy'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { asNodeReads, WAITED_FOR } from '../front/support/as-node-reads.ts'
import type { StartedRig } from '../wire/pass-through.ts'
import { judgeResponse, runResponse } from '../wire/run-response.ts'
import { run } from '../wire/run-vector.ts'
import { requestVectors } from '../wire/vectors/requests.ts'
import { responseVectors } from '../wire/vectors/responses.ts'

let rig: StartedRig
beforeAll(async () => {
  const upstream = await RecordingUpstream.start()
  const dir = await mkdtemp(join(tmpdir(), 'understudy-vectors-'))
  const app = Fastify({ forceCloseConnections: true })
  await app.register(understudy, {
    pools: {
      shop: {
        upstreams: [
          { name: 'blue', url: `http://127.0.0.1:${upstream.port}` },
          { name: 'nobody', url: 'http://127.0.0.1:9' },
        ],
        failover: { mode: 'manual' },
      },
    },
    state: { dir },
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const stop = async (): Promise<void> => {
    await app.close()
    await upstream.stop()
    await rm(dir, { recursive: true })
  }
  rig = { port: (app.server.address() as AddressInfo).port, upstream, deadline: 1_000, stop }
})
afterAll(() => rig?.stop())

/** Answered by Node before anybody else sees them: whatever else is expected beside 100-continue is not looked at. */
const NODES_OWN = [
  'an unknown expectation beside 100-continue',
  'a good request after a refused expectation is not served',
]
const isProbe = (agent: string): boolean => agent.startsWith('understudy-probe')

for (const [group, vectors] of requestVectors) {
  describe(`a request, ${group}:`, () => {
    for (const vector of vectors.map(asNodeReads).filter(({ name }) => !NODES_OWN.includes(name))) {
      test(vector.name, async () => {
        const deadline = WAITED_FOR.includes(vector.name) ? 200 : rig.deadline
        const { requests: all, leftovers } = await run({ ...rig, deadline }, vector)
        const requests = all.filter(({ fields }) => !valuesOf(fields, 'user-agent').some(isProbe))
        const allowed = vector.expect.forwarded
        expect(requests.length).toBeLessThanOrEqual(allowed.length)
        expect(requests).toMatchObject(
          allowed.slice(0, requests.length).map(({ method, target, body }) => ({ method, target, body })),
        )
        expect(leftovers.filter(({ state, closed }) => state === 'malformed' || !closed)).toEqual([])
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
