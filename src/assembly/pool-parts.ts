/** Builds what one pool consists of: its runtime, its HTTP side and its prober. */
import { readFileSync } from 'node:fs'
import net from 'node:net'
import type { PoolConfig, UpstreamConfig } from '../config/schema.ts'
import type { PoolPolicy } from '../core/policy.ts'
import type { Clock } from '../core/time.ts'
import type { Upstream, UpstreamId } from '../core/upstream.ts'
import { newUpstream, upstreamId } from '../core/upstream.ts'
import type { AccessSink } from '../http/access-log.ts'
import { HttpPool } from '../http/http-pool.ts'
import type { MemoryBudget } from '../http/memory-budget.ts'
import type { Logger } from '../logging.ts'
import { httpProbe } from '../probe/http-probe.ts'
import type { Probe, ProbeTarget } from '../probe/probe.ts'
import { Prober } from '../probe/prober.ts'
import { tcpProbe } from '../probe/tcp-probe.ts'
import { tlsProbe } from '../probe/tls-probe.ts'
import { systemRandom } from '../runtime/clock.ts'
import { runHook } from '../runtime/hooks.ts'
import type { Notices } from '../runtime/notices.ts'
import { PoolRuntime } from '../runtime/pool-runtime.ts'
import type { StateStore } from '../runtime/state-store.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { ConnectTo } from '../wire/transport.ts'
import { cannotRead } from './start-error.ts'

/** What all pools have in common. */
export type Shared = Readonly<{
  clock: Clock
  sweeper: Sweeper
  memory: MemoryBudget
  notices: Notices
  store: StateStore
  logger: Logger
  /** Whether there is an access log at all: where there is none, no request pays for a line. */
  logsRequests: boolean
  version: string
  /** Where hooks are looked for. */
  path: string
  makeRequestId: () => string
}>

export type PoolParts = Readonly<{ runtime: PoolRuntime; http: HttpPool; prober: Prober; config: PoolConfig }>

/** Answers up to this size are passed on only when whole. */
const HOLD_ANSWERS = 65_536

export function buildPool(name: string, config: PoolConfig, shared: Shared): PoolParts {
  const { clock, notices, store, sweeper, memory, logger, path, makeRequestId } = shared
  const now = clock.now()
  const ordered = [...config.upstreams].sort((a, b) => Number(b.role === 'primary') - Number(a.role === 'primary'))
  const upstreams = ordered.map(({ name: id, role }, index) => newUpstream(upstreamId(id), role, index, now))
  const runtime = new PoolRuntime({
    name,
    upstreams: upstreams as [Upstream, ...Upstream[]],
    policy: policyOf(config),
    evidence: { gatewayErrors: config.detect.gateway5xx, successRate: config.detect.successRate },
    hangAfter: config.detect.hangAfter,
    hold: config.hold,
    restored: store.load(name),
    clock,
    onNotice: (notice) => notices.publish(notice),
    persist: (state) => store.save(state),
    runHook: (run) =>
      runHook(config.hooks?.[run.hook] ?? [], run, {
        timeout: config.hooks?.timeout ?? 0,
        path,
        clock,
      }),
  })
  const addresses = new Map<UpstreamId, ConnectTo>(
    ordered.map((upstream) => [upstreamId(upstream.name), connectTo(upstream)]),
  )
  const { timeouts, replay } = config
  const http = new HttpPool({
    runtime,
    upstreams: addresses,
    options: {
      attempt: { ...timeouts, holdAnswers: HOLD_ANSWERS },
      replayBody: replay.body,
      idempotencyKey: replay.idempotencyKey,
      upgradeIdle: timeouts.upgradeIdle,
      defaultHost: ordered[0] ? authority(ordered[0]) : '',
    },
    memory,
    sweeper,
    random: systemRandom,
    makeRequestId,
    access: shared.logsRequests ? accessSink(name, logger) : null,
  })
  const prober = buildProber(config, addresses, runtime, shared)
  return { runtime, http, prober, config }
}

function policyOf(config: PoolConfig): PoolPolicy {
  const { kind, failover, failback, probe, drain, hold, hooks } = config
  return {
    kind,
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
  addresses: ReadonlyMap<UpstreamId, ConnectTo>,
  runtime: PoolRuntime,
  { clock, version }: Shared,
): Prober {
  const { interval, timeout } = config.probe
  const targets = [...addresses].map(([id, { host, port, tls }]): ProbeTarget => {
    if (!tls) return { id, host, port, tls: null }
    const { verify, serverName, ca } = tls
    return { id, host, port, tls: { verify, serverName, ...(ca === null ? {} : { ca }) } }
  })
  return new Prober(
    { targets, probe: probeOf(config, version), interval, timeout, clock, random: systemRandom },
    runtime,
  )
}

function probeOf({ probe }: PoolConfig, version: string): Probe {
  switch (probe.type) {
    case 'tcp':
      return tcpProbe()
    case 'tls':
      return tlsProbe()
    default:
      return httpProbe({ path: probe.path, expect: probe.expect, body: probe.body ?? null, version })
  }
}

function connectTo({ name, url, tls }: UpstreamConfig): ConnectTo {
  const { host, port } = url
  if (!tls) return { host, port, tls: null }
  const ca = tls.ca === undefined ? null : readPem(tls.ca, `tls.ca of upstream ${name}`)
  return { host, port, tls: { serverName: tls.serverName ?? host, verify: tls.verify, ca } }
}

function readPem(file: string, place: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw cannotRead(place, error)
  }
}

function accessSink(pool: string, logger: Logger): AccessSink {
  return ({ client, head }, { duration, attempts, ...record }) =>
    logger.access({
      listener: client.listener,
      client: client.address,
      pool,
      method: head.method,
      path: head.target,
      duration,
      attempts,
      ...record,
    })
}

function authority({ url }: UpstreamConfig): string {
  return net.isIPv6(url.host) ? `[${url.host}]:${url.port}` : `${url.host}:${url.port}`
}
