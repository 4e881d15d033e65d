import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { metricsPage } from '../../../src/metrics/generate.ts'
import type { Metrics } from '../../../src/metrics/metrics.ts'
import { createMetrics } from '../../../src/metrics/metrics.ts'
import { METRICS, type MetricRow, PREFIX } from '../../../src/metrics/table.ts'
import { blue, green, SimulatedPool } from '../../support/simulated-pool.ts'

let simulated: SimulatedPool
let metrics: Metrics

beforeEach(() => {
  simulated = new SimulatedPool()
  simulated.start()
  simulated.clock.advance(600)
  metrics = createMetrics(new Map([['shop', simulated.pool]]), {
    version: '1.2.3',
    clock: simulated.clock,
    workers: () => ({ running: 2, replaced: 1 }),
    listeners: () => [{ name: 'web', connections: 7, refused: { connections: 0 } }],
  })
})
afterEach(() => {
  metrics.close()
  simulated.stop()
})

type Series = Readonly<{ name: string; labels: Record<string, string>; value: number }>

/** The text format, strictly: a line that is none of a comment, a series or empty fails the test. */
function parse(text: string): readonly Series[] {
  return text.split('\n').flatMap((line) => {
    if (line === '' || /^# (HELP|TYPE) \w+ /.test(line)) return []
    const [, name = '', inner = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    expect(name, line).not.toBe('')
    const labels = Object.fromEntries([...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, each]) => [key, each]))
    return [{ name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) }]
  })
}

const read = async () => parse(await metrics.text())
async function value(name: string, labels: Record<string, string>): Promise<number | undefined> {
  const found = (await read()).find(
    (series) => series.name === `understudy_${name}` && JSON.stringify(series.labels) === JSON.stringify(labels),
  )
  return found?.value
}

describe('the table', () => {
  it('names every series there is, with its labels', async () => {
    simulated.pool.counters.lost.add('no-upstream')
    simulated.pool.counters.replayAbandoned.add('body-not-kept')
    simulated.pool.counters.failovers.add('crash')
    simulated.pool.counters.observedFailovers.add('crash')
    simulated.pool.ledger(blue).counters.failures.add('reset')
    const series = await read()
    for (const { name, type, labels } of METRICS as readonly MetricRow[]) {
      const suffix = type === 'histogram' ? '_bucket' : ''
      const found = series.find((each) => each.name === PREFIX + name + suffix)
      const expected = type === 'histogram' ? [...labels, 'le'] : labels
      expect({ name, labels: Object.keys(found?.labels ?? {}) }).toEqual({ name, labels: expected })
    }
  })

  it('follows the naming rules of Prometheus', () => {
    for (const { name, type, help } of METRICS as readonly MetricRow[]) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
      expect({ name, total: name.endsWith('_total') }).toEqual({ name, total: type === 'counter' })
      expect(help).toMatch(/\.$/)
    }
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length)
  })

  it('is what docs/metrics.md says', () => {
    const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
    expect(page, 'run: node src/metrics/generate.ts').toBe(metricsPage())
  })
})

describe('the values', () => {
  it('tell who is active and who could be', async () => {
    expect(await value('active', { pool: 'shop', upstream: 'blue' })).toBe(1)
    expect(await value('active', { pool: 'shop', upstream: 'green' })).toBe(0)
    expect(await value('standby_ready', { pool: 'shop' })).toBe(1)
    expect(await value('upstream_health', { pool: 'shop', upstream: 'green' })).toBe(1)
  })

  it('follow a failover', async () => {
    simulated.blue = 'refuses'
    simulated.until(() => simulated.active === green)
    expect(await value('active', { pool: 'shop', upstream: 'green' })).toBe(1)
    expect(await value('epoch', { pool: 'shop' })).toBe(2)
    expect(await value('standby_ready', { pool: 'shop' })).toBe(0)
    expect(await value('upstream_health', { pool: 'shop', upstream: 'blue' })).toBe(0)
    const failovers = (await read()).filter(({ name }) => name === 'understudy_failovers_total')
    expect(failovers).toMatchObject([{ value: 1 }])
    expect(await value('last_failover_timestamp_seconds', { pool: 'shop' })).toBeCloseTo(
      simulated.clock.now() / 1_000,
      0,
    )
  })

  it('count answers by class, and requests in flight', async () => {
    const ledger = simulated.pool.ledger(blue)
    for (const status of [200, 204, 301, 404, 503]) ledger.attemptAnswered(status, 'GET /', simulated.clock.now())
    ledger.inFlight = 3
    for (const [code_class, count] of [
      ['2xx', 2],
      ['3xx', 1],
      ['4xx', 1],
      ['5xx', 1],
      ['1xx', 0],
    ] as const) {
      expect(await value('requests_total', { pool: 'shop', upstream: 'blue', code_class })).toBe(count)
    }
    expect(await value('in_flight', { pool: 'shop', upstream: 'blue' })).toBe(3)
    ledger.inFlight = 0
  })

  it('show rescues from the start, so that the first one is not missed by rate()', async () => {
    expect(await value('requests_rescued_total', { pool: 'shop', how: 'replay' })).toBe(0)
    simulated.pool.counters.rescued.add('replay')
    expect(await value('requests_rescued_total', { pool: 'shop', how: 'replay' })).toBe(1)
    expect(await value('requests_rescued_total', { pool: 'shop', how: 'hold' })).toBe(0)
  })

  it('say what listens and what runs', async () => {
    expect(await value('connections', { listener: 'web' })).toBe(7)
    expect(await value('build_info', { version: '1.2.3' })).toBe(1)
    expect(await value('event_loop_lag_seconds', { stat: 'p99' })).toBeGreaterThanOrEqual(0)
  })
})

describe('a histogram', () => {
  it('counts up to each bound, ends with all, and adds up', async () => {
    const { durations } = simulated.pool.counters
    for (const milliseconds of [0.5, 1, 3, 40, 40, 60_000]) durations.observe(milliseconds)
    const series = (await read()).filter(({ name }) => name.startsWith('understudy_request_duration_seconds'))
    const upTo = (le: string) => series.find(({ labels }) => labels.le === le)?.value
    expect([upTo('0.001'), upTo('0.0025'), upTo('0.005'), upTo('0.05'), upTo('30'), upTo('+Inf')]).toEqual([
      2, 2, 3, 5, 5, 6,
    ])
    expect(series.find(({ name }) => name.endsWith('_count'))?.value).toBe(6)
    expect(series.find(({ name }) => name.endsWith('_sum'))?.value).toBeCloseTo(60.0845)
    const buckets = series.filter(({ name }) => name.endsWith('_bucket')).map((each) => each.value)
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b))
  })
})

it('writes labels that cannot break a line', async () => {
  simulated.pool.counters.lost.add('a "quoted"\nreason\\')
  expect(await metrics.text()).toContain(String.raw`why="a \"quoted\"\nreason\\"`)
})
