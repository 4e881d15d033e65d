// A check that cannot fail is a defect: through a bare TCP pass-through every rule that a proxy must enforce is broken,
// and the vectors must say so. Nothing of src/ is used here.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRequest, readResponses } from '../../support/strict-http.ts'
import { judgeMutant, methodsIn } from './mutant-oracle.ts'
import { mutate, randomFrom } from './mutate.ts'
import { type StartedRig, share, startPassThrough } from './pass-through.ts'
import { judgeResponse, runResponse } from './run-response.ts'
import { judge, run, send } from './run-vector.ts'
import { requestVectors } from './vectors/requests.ts'
import { responseVectors } from './vectors/responses.ts'
import type { Vector } from './vectors/vector.ts'

let rigs: StartedRig[] = []
beforeAll(async () => {
  rigs = await Promise.all(Array.from({ length: 24 }, () => startPassThrough(150)))
})
afterAll(() => Promise.all(rigs.map((rig) => rig.stop())))

const all: readonly Vector[] = [...requestVectors.values()].flat()

describe('the vectors notice a proxy that checks nothing:', () => {
  test('every refusal that is missing', async () => {
    const missed: string[] = []
    const strict = all.filter((vector) => vector.expect.refused && !vector.expect.refused.silent)
    await share(strict, rigs, async (rig, vector) => {
      if (judge(vector, await run(rig, vector)).length === 0) missed.push(vector.name)
    })
    expect(strict.length).toBeGreaterThan(100)
    expect(missed).toEqual([])
  })

  test('every field that is not added or taken away', async () => {
    const missed: string[] = []
    const passing = all.filter((vector) => !vector.expect.refused && vector.expect.forwarded.length > 0)
    await share(passing, rigs, async (rig, vector) => {
      if (judge(vector, await run(rig, vector)).length === 0) missed.push(vector.name)
    })
    expect(missed).toEqual([])
  })

  test('every bad answer that is passed on', async () => {
    const missed: string[] = []
    const refused = [...responseVectors.values()].flat().filter((vector) => vector.expect.kind === 'refused')
    await share(refused, rigs, async (rig, vector) => {
      if (judgeResponse(vector, await runResponse(rig, vector)).length === 0) missed.push(vector.name)
    })
    expect(missed).toEqual([])
  })

  test('most mutants of the fuzzer', async () => {
    const random = randomFrom(7)
    let noticed = 0
    await share(
      Array.from({ length: 200 }, () => mutate(random)),
      rigs,
      async (rig, bytes) => {
        const methods = methodsIn(bytes)
        const outcome = await send(rig, { bytes, end: true, answers: methods.length, methods, closes: true })
        if (judgeMutant(bytes, outcome).length > 0) noticed += 1
      },
    )
    expect(noticed).toBeGreaterThan(100)
  })

  test('but not what is right: good answers arrive unchanged through a pass-through', async () => {
    const wrong: string[] = []
    const names = ['a body of a known length', 'a chunked body', '204 has no body', 'several interim answers']
    const good = [...responseVectors.values()].flat().filter((vector) => names.includes(vector.name))
    await share(good, rigs, async (rig, vector) => {
      wrong.push(...judgeResponse(vector, await runResponse(rig, vector)))
    })
    expect(good.length).toBe(names.length)
    expect(wrong).toEqual([])
  })
})

describe('the strict reader', () => {
  const state = (text: string): string => readRequest(text).state
  const head = 'POST / HTTP/1.1\r\nHost: a\r\n'

  test('tells complete, incomplete and malformed requests apart', () => {
    expect(state(`${head}\r\n`)).toBe('complete')
    expect(state(`${head}Content-Length: 5\r\n\r\nhell`)).toBe('incomplete')
    expect(state(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n`)).toBe('incomplete')
    expect(state(`${head}Transfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\n\r\n`)).toBe('malformed')
    expect(state(`${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`)).toBe('malformed')
    expect(state('GET / HTTP/1.1\r\n\r\n')).toBe('malformed')
    expect(state('GET / HTTP/1.1\nHost: a\n\n')).toBe('malformed')
  })

  test('tells a complete response from a truncated one', () => {
    const close = 'HTTP/1.1 200 OK\r\n\r\nhel'
    expect(readResponses(close, ['GET'], false).rest).toBe('incomplete')
    expect(readResponses(close, ['GET'], true).finals[0]?.body).toBe('hel')
    expect(readResponses('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhel', ['GET'], true).rest).toBe('incomplete')
    expect(readResponses('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', ['HEAD'], true).finals.length).toBe(1)
  })
})
