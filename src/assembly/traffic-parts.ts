/** What carries the traffic of one pool: HTTP or TCP, by what its listeners speak. */
import net from 'node:net'
import type { PoolConfig, UpstreamConfig } from '../config/schema.ts'
import type { Allowance } from '../core/allowance.ts'
import type { Clock } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { upstreamId } from '../core/upstream.ts'
import { HttpPool } from '../http/http-pool.ts'
import type { HttpUpstream, ServingUpstream } from '../http/upstream-endpoint.ts'
import type { Logger } from '../logging.ts'
import { systemRandom } from '../runtime/clock.ts'
import type { SurveillancePolicy } from '../runtime/lookout.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'
import type { WatchTimer } from '../runtime/watch-timer.ts'
import type { TcpUpstream } from '../tcp/tcp-endpoint.ts'
import { TcpPool } from '../tcp/tcp-pool.ts'
import type { ConnectTo } from '../wire/connect-to.ts'
import type { ConnectionAllowance } from '../wire/connection-allowance.ts'
import { LocalAllowance, UNLIMITED } from '../wire/connection-allowance.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import { httpAccess, tcpAccess } from './access-lines.ts'
import type { Names } from './names.ts'
import { connectTo } from './upstream-parts.ts'

/** What the traffic of all pools has in common. */
export type TrafficShared = Readonly<{
  clock: Clock
  sweeper: Sweeper
  watchTimer: WatchTimer
  names: Names
  memory: Allowance
  logger: Logger
  /** Whether there is an access log at all: where there is none, no request pays for a line. */
  logsRequests: boolean
  makeRequestId: () => string
  /** For the connections to one upstream. */
  allowance(pool: string, upstream: UpstreamConfig): ConnectionAllowance
}>

/** A limit that no other thread shares. */
export const ownAllowance: TrafficShared['allowance'] = (_pool, { maxConnections }) =>
  maxConnections === undefined ? UNLIMITED : new LocalAllowance(maxConnections)

/** One of `http` and `tcp`. */
export type Traffic = Readonly<{
  http: HttpPool | null
  tcp: TcpPool | null
  /** Ends it at once. */
  close(): void
}>

/** How an upstream is reached, beside its settings. */
export type Reached = Readonly<{ id: UpstreamId; config: UpstreamConfig; to: ConnectTo }>

/** Answers up to this size are passed on only when whole. */
const HOLD_ANSWERS = 65_536
/** Kept of what a TCP client sends before an upstream has taken it. */
const EARLY_BYTES = 65_536
/** Of all requests together, kept in memory for replays. */
export const REPLAY_MEMORY = 64 * 1_048_576

/** In the order of preference. Throws a StartError when a file cannot be read. */
export const reachedUpstreams = (config: PoolConfig, names: Names): readonly Reached[] =>
  inOrder(config).map((upstream) => ({
    id: upstreamId(upstream.name),
    config: upstream,
    to: connectTo(upstream, names.addressesOf(upstream)),
  }))

export const inOrder = ({ upstreams }: PoolConfig): readonly UpstreamConfig[] =>
  [...upstreams].sort((a, b) => Number(b.role === 'primary') - Number(a.role === 'primary'))

export function buildTraffic(
  config: PoolConfig,
  upstreams: readonly Reached[],
  runtime: TrafficPool,
  shared: TrafficShared,
): Traffic {
  const http = config.protocol === 'http' ? buildHttp(config, upstreams, runtime, shared) : null
  const tcp = config.protocol === 'tcp' ? buildTcp(config, upstreams, runtime, shared) : null
  const close = (): void => {
    http?.close()
    tcp?.close()
  }
  return { http, tcp, close }
}

function buildHttp(
  { timeouts, replay }: PoolConfig,
  upstreams: readonly Reached[],
  runtime: TrafficPool,
  { memory, sweeper, makeRequestId, logsRequests, logger, allowance }: TrafficShared,
): HttpPool {
  const serving = ({ id, config, to }: Reached): [UpstreamId, ServingUpstream] => [
    id,
    { to, protocol: httpVersion(config), allowance: allowance(runtime.name, config) },
  ]
  return new HttpPool({
    runtime,
    upstreams: new Map(upstreams.map(serving)),
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
  runtime: TrafficPool,
  { sweeper, logsRequests, logger, allowance }: TrafficShared,
): TcpPool {
  const serving = ({ id, config, to }: Reached): [UpstreamId, TcpUpstream] => [
    id,
    { to, proxyProtocol: config.proxyProtocol, allowance: allowance(runtime.name, config) },
  ]
  return new TcpPool({
    runtime,
    upstreams: new Map(upstreams.map(serving)),
    options: { connect: timeouts.connect, idle: timeouts.upgradeIdle, early: EARLY_BYTES },
    sweeper,
    random: systemRandom,
    access: logsRequests ? tcpAccess(logger) : null,
  })
}

export const surveillanceOf = ({ detect }: PoolConfig): SurveillancePolicy => ({
  evidence: { gatewayErrors: detect.gateway5xx, successRate: detect.successRate },
  hang: { hangAfter: detect.hangAfter, widen: detect.widen },
  gray: detect.gray !== 'off',
})

export const httpUpstreams = (upstreams: readonly Reached[]): ReadonlyMap<UpstreamId, HttpUpstream> =>
  new Map(upstreams.map(({ id, config, to }) => [id, { to, protocol: httpVersion(config) }]))

export const defaultHost = ([first]: readonly Reached[]): string => (first ? authority(first.config) : '')

const httpVersion = ({ url }: UpstreamConfig) =>
  url.protocol === 'h2' || url.protocol === 'h2c' ? ('h2' as const) : ('http/1.1' as const)

function authority({ url }: UpstreamConfig): string {
  if (url.path !== undefined) return 'localhost'
  return net.isIPv6(url.host) ? `[${url.host}]:${url.port}` : `${url.host}:${url.port}`
}
