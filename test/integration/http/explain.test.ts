// `explain` after a failover, and after a restart: what the decision rested on comes from the journal then.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ExplainView } from '../../../src/admin/views.ts'
import { explanation } from '../../../src/cli/explanation.ts'
import { type ProxyOptions, startProxy } from '../../support/proxy.ts'
import { getJson, getText } from './support/admin.ts'
import { PROBE, whole } from './support/answers.ts'
import { Pair } from './support/pair.ts'
import { until } from './support/until.ts'

let pair: Pair
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-explain-'))
})
afterEach(async () => {
  await pair.stop()
  rmSync(folder, { recursive: true, force: true })
})

const explain = (port: number) => getJson<ExplainView>(port, '/pools/shop/explain')

/** Answers 503 to everything but the probe, until that has moved the traffic. */
async function failOver(): Promise<void> {
  pair.blue.serve = () => whole(503, 'no')
  await until(
    async () => {
      await Promise.all([pair.ask({ target: '/a/1' }), pair.ask({ target: '/b/2' })])
      return (await pair.view()).active === 'green' ? true : undefined
    },
    { what: 'the failover', milliseconds: 10_000 },
  )
}

describe('what a failover rested on', () => {
  test('is there in full, and survives a restart', async () => {
    pair = await Pair.start({ stateDir: folder })
    expect(await explain(pair.proxy.adminPort)).toMatchObject({ evidence: null, trouble: null })
    await failOver()
    const before = await explain(pair.proxy.adminPort)
    expect(before.evidence).toMatchObject({ type: 'failover', rule: 'errors', by: 'understudy' })
    const blue = before.evidence?.upstreams.find(({ name }) => name === 'blue')
    expect(blue?.probes.at(-1)).toMatchObject({ verdict: 'pass' })
    expect(blue?.failedAttempts.length).toBeGreaterThan(4)
    expect(blue?.failedAttempts[0]).toMatchObject({ what: 'answered 503', latency: expect.any(Number) })
    expect(new Set(blue?.failedAttempts.map(({ request }) => request))).toEqual(new Set(['GET /a', 'GET /b']))

    await pair.proxy.understudy.stop()
    const options: ProxyOptions = {
      upstreams: [pair.blue, pair.green].map(({ name, upstream }) => ({ name, port: upstream.port })),
      probe: true,
      poolOverrides: { probe: { path: PROBE, interval: '250ms', timeout: '200ms' } },
      stateDir: folder,
    }
    const restarted = await startProxy(options)
    try {
      const after = await explain(restarted.adminPort)
      expect(after.decision.cause).toBe('restored')
      const { ago: _, ...evidence } = before.evidence ?? { ago: '' }
      expect(after.evidence).toMatchObject(evidence)
    } finally {
      await restarted.stop()
    }
  })

  test('is not in the list of events, which would become long', async () => {
    pair = await Pair.start()
    await failOver()
    expect(await getText(pair.proxy.adminPort, '/events')).not.toContain('evidence')
  })

  test('begins, for people, with what happened and why; then come figures, attempts and probes', async () => {
    pair = await Pair.start()
    await failOver()
    const [first = '', ...rest] = explanation(await explain(pair.proxy.adminPort)).split('\n')
    expect(first).toMatch(/^shop, .+ ago: failover from blue to green: blue is ejected by rule errors \(.*503/)
    expect(rest[0]).toMatch(/^ {2}now {8}green \(standby\) is active/)
    expect(rest[1]).toMatch(/^ {2}rule {7}errors \(R4\)/)
    const text = rest.join('\n')
    expect(text).toMatch(/what was seen of blue then/)
    expect(text).toMatch(/\d\d:\d\d:\d\d\.\d{3}Z {2}request: GET \/a +\d+ ms +answered 503/)
    expect(text).toMatch(/\d\d:\d\d:\d\d\.\d{3}Z {2}probe: pass +\d+ ms +200/)
  })
})

describe('what an operator did', () => {
  test('is the decision, with nothing to prove', async () => {
    pair = await Pair.start()
    await pair.command('switchover', { by: 'anna', why: 'release 42' })
    expect(await explain(pair.proxy.adminPort)).toMatchObject({
      evidence: { type: 'switchover', by: 'anna', rule: null, figures: {}, upstreams: [] },
    })
  })
})

describe('trouble that changed nothing', () => {
  test('is told beside the decision', async () => {
    pair = await Pair.start()
    pair.green.alwaysAnswer(whole(503, 'no'))
    await pair.until(({ upstreams }) => upstreams[1]?.state === 'unhealthy', 'green to be unhealthy')
    pair.blue.serve = () => whole(503, 'no')
    const view = await until(
      async () => {
        await Promise.all([pair.ask({ target: '/a/1' }), pair.ask({ target: '/b/2' })])
        const now = await explain(pair.proxy.adminPort)
        return now.trouble ? now : undefined
      },
      { what: 'a conviction to be withheld', milliseconds: 10_000 },
    )
    expect(view).toMatchObject({ evidence: null, trouble: { type: 'conviction-withheld', rule: 'errors' } })
    expect(explanation(view)).toMatch(/since then, .* ago: blue fails .* so it stays/)
  })
})
