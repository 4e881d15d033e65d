/** From the plain counters of the data plane to samples, one function a metric. Reads, never writes. */
import { activeOf, type PoolState } from '../core/pool.ts'
import { bestCandidate } from '../core/selection.ts'
import type { Clock } from '../core/time.ts'
import type { Upstream, UpstreamId } from '../core/upstream.ts'
import type { DurationHistogram, PoolCounters, UpstreamCounters } from '../runtime/counters.ts'
import { DURATION_BOUNDS } from '../runtime/counters.ts'
import type { Lag } from './event-loop.ts'
import type { MetricName } from './table.ts'

export type Labels = Readonly<Record<string, string>>
/** `suffix` is added to the name of the metric: `_bucket`, `_sum`, `_count`. */
export type Sample = Readonly<{ labels: Labels; value: number; suffix?: string }>

type Account = Readonly<{
  counters: UpstreamCounters
  inFlight: number
  tunnels: number
  connections: Readonly<{ open: number }>
}>

/** What is read of a pool. `PoolRuntime` is one. */
export type MeteredPool = Readonly<{
  name: string
  state: PoolState
  counters: PoolCounters
  /** Requests and sessions that wait. */
  held: number
  ledger(id: UpstreamId): Account
}>

export type Reading = Readonly<{
  pools: ReadonlyMap<string, MeteredPool>
  listeners: readonly Readonly<{ name: string; connections: number; refused: Readonly<Record<string, number>> }>[]
  workers(): Readonly<{ running: number; replaced: number }>
  version: string
  clock: Clock
  lag(): Lag
}>

export const SAMPLES: Readonly<Record<MetricName, (reading: Reading) => readonly Sample[]>> = {
  active: eachUpstream(({ state }, { id }) => (activeOf(state) === id ? 1 : 0)),
  epoch: eachPool(({ state }) => state.epoch),
  failovers_total: eachTally('reason', ({ counters }) => counters.failovers.counts),
  observed_failovers_total: eachTally('reason', ({ counters }) => counters.observedFailovers.counts),
  switchovers_total: eachPool(({ counters }) => counters.switchovers),
  failbacks_total: eachPool(({ counters }) => counters.failbacks),
  last_failover_timestamp_seconds: eachPool(({ counters }) => counters.lastFailoverAt / 1_000),
  switch_duration_seconds: poolHistogram(({ switchDurations }) => switchDurations),
  route_delay_seconds: poolHistogram(({ routeDelays }) => routeDelays),
  standby_ready: eachPool(({ state }, { clock }) =>
    bestCandidate(state.upstreams, clock.now(), activeOf(state)) === null ? 0 : 1,
  ),
  requests_total: eachAccount(({ counters }, labels) =>
    counters.answers.flatMap((value, hundreds) =>
      hundreds === 0 ? [] : [{ labels: { ...labels, code_class: `${hundreds}xx` }, value }],
    ),
  ),
  request_duration_seconds: poolHistogram(({ durations }) => durations),
  // Both ways from the start, at zero: a counter that appears at 1 hides its first increase from `rate()`.
  requests_rescued_total: eachTally('how', ({ counters }) => {
    const { rescued } = counters
    return new Map<string, number>([
      ...rescued.counts,
      ['replay', rescued.get('replay')],
      ['hold', rescued.get('hold')],
    ])
  }),
  requests_lost_total: eachTally('why', ({ counters }) => counters.lost.counts),
  replay_abandoned_total: eachTally('why', ({ counters }) => counters.replayAbandoned.counts),
  held_requests: eachPool(({ held }) => held),
  in_flight: eachAccount(({ inFlight }, labels) => [{ labels, value: inFlight }]),
  tunnels: eachAccount(({ tunnels }, labels) => [{ labels, value: tunnels }]),
  tcp_sessions_total: eachAccount(({ counters }, labels) => [{ labels, value: counters.sessions }]),
  tcp_bytes_total: eachAccount(({ counters }, labels) => [
    { labels: { ...labels, direction: 'in' }, value: counters.bytesIn },
    { labels: { ...labels, direction: 'out' }, value: counters.bytesOut },
  ]),
  upstream_failures_total: eachAccount(({ counters }, labels) =>
    [...counters.failures.counts].map(([kind, value]) => ({ labels: { ...labels, kind }, value })),
  ),
  upstream_connections: eachAccount(({ connections }, labels) => [{ labels, value: connections.open }]),
  upstream_connects_total: eachAccount(({ counters }, labels) => [{ labels, value: counters.connects }]),
  suspicions_total: eachPool(({ counters }) => counters.suspicions),
  refuted_total: eachPool(({ counters }) => counters.refuted),
  probe_duration_seconds: eachAccount(({ counters }, labels) => histogram(counters.probeDurations, labels)),
  upstream_health: eachUpstream((_, { health }) => HEALTH[health.status]),
  connections: ({ listeners }) =>
    listeners.map(({ name, connections }) => ({ labels: { listener: name }, value: connections })),
  connections_refused_total: ({ listeners }) =>
    listeners.flatMap(({ name, refused }) =>
      Object.entries(refused).map(([why, value]) => ({ labels: { listener: name, why }, value })),
    ),
  workers: ({ workers }) => [{ labels: {}, value: workers().running }],
  worker_replacements_total: ({ workers }) => [{ labels: {}, value: workers().replaced }],
  event_loop_lag_seconds: ({ lag }) => Object.entries(lag()).map(([stat, value]) => ({ labels: { stat }, value })),
  build_info: ({ version }) => [{ labels: { version }, value: 1 }],
}

const HEALTH: Readonly<Record<Upstream['health']['status'], number>> = { healthy: 1, unhealthy: 0, unknown: -1 }

type Source = (reading: Reading) => readonly Sample[]

function eachPool(read: (pool: MeteredPool, reading: Reading) => number): Source {
  return (reading) =>
    [...reading.pools.values()].map((pool) => ({ labels: { pool: pool.name }, value: read(pool, reading) }))
}

function eachTally(label: string, read: (pool: MeteredPool) => ReadonlyMap<string, number>): Source {
  return ({ pools }) =>
    [...pools.values()].flatMap((pool) =>
      [...read(pool)].map(([key, value]) => ({ labels: { pool: pool.name, [label]: key }, value })),
    )
}

function eachUpstream(read: (pool: MeteredPool, upstream: Upstream) => number): Source {
  return ({ pools }) =>
    [...pools.values()].flatMap((pool) =>
      pool.state.upstreams.map((upstream) => ({
        labels: { pool: pool.name, upstream: upstream.id },
        value: read(pool, upstream),
      })),
    )
}

function eachAccount(read: (account: Account, labels: Labels) => readonly Sample[]): Source {
  return ({ pools }) =>
    [...pools.values()].flatMap((pool) =>
      pool.state.upstreams.flatMap(({ id }) => read(pool.ledger(id), { pool: pool.name, upstream: id })),
    )
}

function poolHistogram(read: (counters: PoolCounters) => DurationHistogram): Source {
  return ({ pools }) => [...pools.values()].flatMap((pool) => histogram(read(pool.counters), { pool: pool.name }))
}

/** Our buckets count what fell into each; those of Prometheus count everything up to their bound. */
function histogram({ buckets, sum, count }: DurationHistogram, labels: Labels): readonly Sample[] {
  let upTo = 0
  const cumulated = DURATION_BOUNDS.map((bound, index): Sample => {
    upTo += buckets[index] ?? 0
    return { labels: { ...labels, le: String(bound) }, value: upTo, suffix: '_bucket' }
  })
  return [
    ...cumulated,
    { labels: { ...labels, le: '+Inf' }, value: count, suffix: '_bucket' },
    { labels, value: sum, suffix: '_sum' },
    { labels, value: count, suffix: '_count' },
  ]
}
