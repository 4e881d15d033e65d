/**
 * The metrics page. Nothing is counted here: when somebody asks, the plain counters of the data plane are read, so that a
 * request costs an addition to a field and not a look-up by labels.
 */
import type { Metric } from 'prom-client'
import { Registry } from 'prom-client'
import type { Clock } from '../core/time.ts'
import { measureLag } from './event-loop.ts'
import type { MeteredPool, Reading, Sample } from './samples.ts'
import { SAMPLES } from './samples.ts'
import type { MetricRow } from './table.ts'
import { METRICS, PREFIX } from './table.ts'

export type { MeteredPool } from './samples.ts'

export type MetricSources = Readonly<{
  version: string
  clock: Clock
  /** How many client connections each listener has, now. */
  listeners(): readonly Readonly<{ name: string; connections: number; refused: Readonly<Record<string, number>> }>[]
  /** Threads that carry traffic, and how many had to be replaced since the start. */
  workers(): Readonly<{ running: number; replaced: number }>
}>

export type Metrics = Readonly<{
  contentType: string
  text(): Promise<string>
  close(): void
}>

export function createMetrics(pools: ReadonlyMap<string, MeteredPool>, sources: MetricSources): Metrics {
  const registry = new Registry()
  const meter = measureLag()
  const read = (): Reading => ({ ...sources, pools, listeners: sources.listeners(), lag: meter.read })
  for (const row of METRICS) registry.registerMetric(fromTable(row, () => SAMPLES[row.name](read())))
  return { contentType: registry.contentType, text: () => registry.metrics(), close: meter.close }
}

/**
 * prom-client's own classes count for themselves, and a histogram of theirs cannot be filled from outside. Its registry
 * asks a metric for no more than this: a name, and `get()`.
 */
function fromTable(row: MetricRow, samples: () => readonly Sample[]): Metric {
  const name = PREFIX + row.name
  const { help, type } = row
  const get = async () => ({
    name,
    help,
    type,
    aggregator: 'sum',
    values: samples().map(({ labels, value, suffix = '' }) => ({ labels, value, metricName: name + suffix })),
  })
  return { name, help, type, get, reset: () => {} } as unknown as Metric
}
