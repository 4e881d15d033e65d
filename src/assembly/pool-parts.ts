/** Builds what one pool consists of: its runtime, what carries its traffic (HTTP or TCP) and its prober. */
import net from 'node:net'
import type { PoolConfig, UpstreamConfig } from '../config/schema.ts'
import type { Allowance } from '../core/allowance.ts'
import type { PoolPolicy } from '../core/policy.ts'
import type { Clock } from '../core/time.ts'
import type { Upstream, UpstreamId } from '../core/upstream.ts'
import { newUpstream, upstreamId } from '../core/upstream.ts'
import { HttpPool } from '../http/http-pool.ts'
import type { HttpUpstream } from '../http/upstream-endpoint.ts'
import type { Logger } from '../logging.ts'
import type { Probe, ProbeTarget } from '../probe/probe.ts'
import { Prober } from '../probe/prober.ts'
import { systemRandom } from '../runtime/clock.ts'
import { Drill } from '../runtime/drill.ts'
import { runHook } from '../runtime/hooks.ts'
import type { Notices } from '../runtime/notices.ts'
import { PoolRuntime } from '../runtime/pool-runtime.ts'
import type { StateStore } from '../runtime/state-store.ts'
import type { WatchTimer } from '../runtime/watch-timer.ts'
import { TcpPool } from '../tcp/tcp-pool.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { ConnectTo } from '../wire/transport.ts'
import { httpAccess, tcpAccess } from './access-lines.ts'
import { drillMeans } from './drill-parts.ts'
import { probeOf } from './probe-parts.ts'
import { connectTo, probeTarget } from './upstream-parts.ts'

/** What all pools have in common. */
export type Shared = Readonly<{
  clock: Clock
  sweeper: Sweeper
  watchTimer: WatchTimer
  memory: Allowance
  notices: Notices
  store: StateStore
  logger: Logger
  /** Whether there is an access log at all: where there is none, no request pays for a line. */
  logsRequests: boolean
  version: string
  /** Where hooks and probes of type `exec` are looked for. */
  path: string
  makeRequestId: () => string
}>

/** One of `http` and `tcp`, by what its listeners speak. */
export type PoolParts = Readonly<{
  runtime: PoolRuntime
  http: HttpPool | null
  tcp: TcpPool | null
  prober: Prober
  drill: Drill
  config: PoolConfig
  /** Ends its traffic at once. */
  close(): void
}>

/** How an upstream is reached, beside its settings. */
type Reached = Readonly<{ id: UpstreamId; config: UpstreamConfig; to: ConnectTo }>

/** Answers up to this size are passed on only when whole. */
const HOLD_ANSWERS = 65_536
/** Kept of what a TCP client sends before an upstream has taken it. */
const EARLY_BYTES = 65_536

export function buildPool(name: string, config: PoolConfig, shared: Shared): PoolParts {
  const ordered = [...config.upstreams].sort((a, b) => Number(b.role === 'primary') - Number(a.role === 'primary'))
  const upstreams = ordered.map((upstream) => ({
    id: upstreamId(upstream.name),
    config: upstream,
    to: connectTo(upstream),
  }))
  const runtime = buildRuntime(name, config, shared)
  const http = config.protocol === 'http' ? buildHttp(config, upstreams, runtime, shared) : null
  const tcp = config.protocol === 'tcp' ? buildTcp(config, upstreams, runtime, shared) : null
  const probing = {
    probe: probeOf(config.probe, shared),
    targets: upstreams.map(({ config: own, to }) => probeTarget(own, to)),
  }
  const prober = buildProber(config, probing, runtime, shared)
  const { sweeper, version, clock } = shared
  const carried = http && { upstreams: httpUpstreams(upstreams), host: defaultHost(upstreams) }
  const drill = new Drill(runtime, drillMeans({ config, ...probing, http: carried, version, sweeper }), clock)
  const close = (): void => {
    drill.stop()
    http?.close()
    tcp?.close()
  }
  return { runtime, http, tcp, prober, drill, config, close }
}

function buildRuntime(name: string, config: PoolConfig, shared: Shared): PoolRuntime {
  const { clock, watchTimer, notices, store, path } = shared
  const now = clock.now()
  const ordered = [...config.upstreams].sort((a, b) => Number(b.role === 'primary') - Number(a.role === 'primary'))
  const upstreams = ordered.map(({ name: id, role }, index) => newUpstream(upstreamId(id), role, index, now))
  return new PoolRuntime({
    name,
    upstreams: upstreams as [Upstream, ...Upstream[]],
    policy: policyOf(config),
    surveillance: {
      evidence: { gatewayErrors: config.detect.gateway5xx, successRate: config.detect.successRate },
      hang: { hangAfter: config.detect.hangAfter, widen: config.detect.widen },
      gray: config.detect.gray !== 'off',
    },
    hold: config.hold,
    restored: store.load(name),
    clock,
    watchTimer,
    onNotice: (notice) => notices.publish(notice),
    persist: (state) => store.save(state),
    runHook: (run) =>
      runHook(config.hooks?.[run.hook] ?? [], run, { timeout: config.hooks?.timeout ?? 0, path, clock }),
  })
}

function buildHttp(
  { timeouts, replay }: PoolConfig,
  upstreams: readonly Reached[],
  runtime: PoolRuntime,
  { memory, sweeper, makeRequestId, logsRequests, logger }: Shared,
): HttpPool {
  return new HttpPool({
    runtime,
    upstreams: httpUpstreams(upstreams),
    options: {
      attempt: { ...timeouts, holdAnswers: HOLD_ANSWERS },
      replayBody: replay.body,
      idempotencyKey: replay.idempotencyKey,
      standbyReads: replay.standbyReads,
      resume: replay.resume,
      upgradeIdle: timeouts.upgradeIdle,
      defaultHost: defaultHost(upstreams),
    },
    memory,
    sweeper,
    random: systemRandom,
    makeRequestId,
    access: logsRequests ? httpAccess(runtime.name, logger) : null,
  })
}

function buildTcp(
  { timeouts }: PoolConfig,
  upstreams: readonly Reached[],
  runtime: PoolRuntime,
  { sweeper, logsRequests, logger }: Shared,
): TcpPool {
  return new TcpPool({
    runtime,
    upstreams: new Map(upstreams.map(({ id, config: { proxyProtocol }, to }) => [id, { to, proxyProtocol }])),
    options: { connect: timeouts.connect, idle: timeouts.upgradeIdle, early: EARLY_BYTES },
    sweeper,
    random: systemRandom,
    access: logsRequests ? tcpAccess(logger) : null,
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
  { clock }: Shared,
): Prober {
  const { interval, timeout } = config.probe
  return new Prober({ ...probing, interval, timeout, clock, random: systemRandom }, runtime)
}

const httpUpstreams = (upstreams: readonly Reached[]): ReadonlyMap<UpstreamId, HttpUpstream> =>
  new Map(upstreams.map(({ id, config, to }) => [id, { to, protocol: httpVersion(config) }]))

const defaultHost = ([first]: readonly Reached[]): string => (first ? authority(first.config) : '')

const httpVersion = ({ url }: UpstreamConfig) =>
  url.protocol === 'h2' || url.protocol === 'h2c' ? ('h2' as const) : ('http/1.1' as const)

function authority({ url }: UpstreamConfig): string {
  if (url.path !== undefined) return 'localhost'
  return net.isIPv6(url.host) ? `[${url.host}]:${url.port}` : `${url.host}:${url.port}`
}
