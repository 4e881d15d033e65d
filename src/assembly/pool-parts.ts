/** Builds what one pool consists of: its runtime, what carries its traffic (unless others do) and its prober. */
import type { PoolConfig } from '../config/schema.ts'
import type { ProbeResult } from '../core/health.ts'
import type { PoolPolicy } from '../core/policy.ts'
import type { PoolState } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import type { Millis } from '../core/time.ts'
import type { Upstream, UpstreamId } from '../core/upstream.ts'
import { newUpstream, upstreamId } from '../core/upstream.ts'
import type { Probe, ProbeTarget } from '../probe/probe.ts'
import type { ProbedPool } from '../probe/prober.ts'
import { Prober } from '../probe/prober.ts'
import { systemRandom } from '../runtime/clock.ts'
import { Drill } from '../runtime/drill.ts'
import { runHook } from '../runtime/hooks.ts'
import type { Notices } from '../runtime/notices.ts'
import { PoolRuntime } from '../runtime/pool-runtime.ts'
import type { StateStore } from '../runtime/state-store.ts'
import { drillMeans } from './drill-parts.ts'
import { probeOf } from './probe-parts.ts'
import type { Traffic, TrafficShared } from './traffic-parts.ts'
import { buildTraffic, defaultHost, httpUpstreams, inOrder, reachedUpstreams, surveillanceOf } from './traffic-parts.ts'
import { probeTarget } from './upstream-parts.ts'

/** What all pools have in common. */
export type Shared = TrafficShared &
  Readonly<{
    notices: Notices
    store: StateStore
    version: string
    /** Where hooks and probes of type `exec` are looked for. */
    path: string
    /** Whether traffic is carried in this thread. */
    carriesTraffic: boolean
    /** Told of every change, for traffic that is carried elsewhere. `route`: null where it is still the same. */
    onChange(state: PoolState, route: Route | null): void
    /** Told of every probe, for the same reason. */
    onProbe: ProbeAudience
  }>

/** Who hears of probes beside their pool. */
export interface ProbeAudience {
  started(pool: string, upstream: UpstreamId, at: Millis): void
  ended(pool: string, upstream: UpstreamId, result: ProbeResult, sentAt: Millis): void
}

export type PoolParts = Readonly<{
  runtime: PoolRuntime
  traffic: Traffic | null
  prober: Prober
  drill: Drill
  config: PoolConfig
  /** Ends its traffic at once. */
  close(): void
}>

export function buildPool(name: string, config: PoolConfig, shared: Shared): PoolParts {
  const upstreams = reachedUpstreams(config, shared.names)
  const runtime = buildRuntime(name, config, shared)
  const traffic = shared.carriesTraffic ? buildTraffic(config, upstreams, runtime, shared) : null
  const probing = {
    probe: probeOf(config.probe, shared),
    targets: upstreams.map(({ config: own, to }) => probeTarget(own, to)),
  }
  const prober = buildProber(config, probing, runtime, shared)
  const { sweeper, version, clock } = shared
  const http = config.protocol === 'http' ? { upstreams: httpUpstreams(upstreams), host: defaultHost(upstreams) } : null
  const drill = new Drill(runtime, drillMeans({ config, ...probing, http, version, sweeper }), clock)
  const close = (): void => {
    drill.stop()
    traffic?.close()
  }
  return { runtime, traffic, prober, drill, config, close }
}

function buildRuntime(name: string, config: PoolConfig, shared: Shared): PoolRuntime {
  const { clock, watchTimer, notices, store, path, onChange } = shared
  const now = clock.now()
  const upstreams = inOrder(config).map(({ name: id, role }, index) => newUpstream(upstreamId(id), role, index, now))
  return new PoolRuntime({
    name,
    upstreams: upstreams as [Upstream, ...Upstream[]],
    policy: policyOf(config),
    surveillance: surveillanceOf(config),
    hold: config.hold,
    restored: store.load(name),
    clock,
    watchTimer,
    onChange,
    onNotice: (notice) => notices.publish(notice),
    persist: (state) => store.save(state),
    runHook: (run) =>
      runHook(config.hooks?.[run.hook] ?? [], run, { timeout: config.hooks?.timeout ?? 0, path, clock }),
  })
}

export function policyOf(config: PoolConfig): PoolPolicy {
  const { kind, detect, failover, failback, probe, drain, hold, hooks } = config
  return {
    kind,
    gray: detect.gray === 'switch' ? 'switch' : 'report',
    failover: failover.mode,
    failback,
    health: { healthy: probe.healthy, unhealthy: probe.unhealthy },
    drain,
    hold,
    hooks: {
      fence: hooks?.fence !== undefined,
      promote: hooks?.promote !== undefined,
      timeout: hooks?.timeout ?? 5_000,
    },
  }
}

function buildProber(
  config: PoolConfig,
  probing: Readonly<{ probe: Probe; targets: readonly ProbeTarget[] }>,
  runtime: PoolRuntime,
  { clock, onProbe }: Shared,
): Prober {
  const { interval, timeout } = config.probe
  const { name } = runtime
  const pool: ProbedPool = {
    get state() {
      return runtime.state
    },
    // The others first: they know of a probe before they hear what the pool concludes from it.
    probeStarted: (id, at) => {
      onProbe.started(name, id, at)
      runtime.probeStarted(id, at)
    },
    probed: (id, result, sentAt) => {
      onProbe.ended(name, id, result, sentAt)
      runtime.probed(id, result, sentAt)
    },
  }
  return new Prober({ ...probing, interval, timeout, clock, random: systemRandom }, pool)
}
