/** Builds a listener in front of its pools: HTTP or TCP, with its certificates. */
import type { HttpListenerConfig, ListenerConfig, TcpListenerConfig } from '../config/schema.ts'
import { OwnAllowance } from '../core/allowance.ts'
import { identityLines } from '../http/client-identity.ts'
import { createFront } from '../http/front.ts'
import type { HttpPool } from '../http/http-pool.ts'
import { HttpListener } from '../http/listener.ts'
import type { LocalRoute } from '../http/local-route.ts'
import { pathRewrite } from '../http/path-rewrite.ts'
import { TcpListener } from '../tcp/listener.ts'
import type { TcpPool } from '../tcp/tcp-pool.ts'
import type { AcceptorOptions, BoundTo } from '../wire/acceptor.ts'
import type { TurnedAway } from '../wire/entrance.ts'
import { DEFAULT_CLIENT_LIMITS } from '../wire/limits.ts'
import { Certificates } from './certificates.ts'
import type { PoolParts } from './pool-parts.ts'
import type { PoolSet } from './pool-set.ts'
import { StartError } from './start-error.ts'
import { trustOf } from './trust.ts'

export interface Listener {
  readonly name: string
  /** Client connections, those on their way in included. */
  readonly open: number
  /** Connections that were closed at the door, by reason. */
  readonly turnedAway: Readonly<Record<TurnedAway, number>>
  listen(): Promise<BoundTo>
  /** Accepts no more; resolves when every connection has come to its end. */
  drain(): Promise<void>
  kill(): void
}

/** Throws a StartError when a certificate cannot be used. */
export async function buildListener(name: string, config: ListenerConfig, pools: PoolSet): Promise<Listener> {
  const certificates = certificatesOf(name, config, pools)
  const accept = acceptOptions(name, config, { pools, certificates })
  const listener = config.protocol === 'http' ? await buildHttp(config, accept, pools) : buildTcp(config, accept, pools)
  if (!certificates) return listener
  return withEnd(listener, () => certificates.stop())
}

async function buildHttp(config: HttpListenerConfig, accept: Accept, pools: PoolSet): Promise<Listener> {
  const { headerBytes, headerTimeout, idleTimeout, streams } = config.limits
  const limits = { ...DEFAULT_CLIENT_LIMITS, headBytes: headerBytes, headTimeout: headerTimeout, idleTimeout }
  const pool = httpPool(pools, config.pool)
  const routes = config.front.routes.map((route) => localRoute(route, pools))
  return new HttpListener({
    accept,
    limits,
    streams,
    pool,
    front: routes.length === 0 ? null : await createFront({ routes, pool, limits }),
    trusts: trustOf(config.trustedProxies),
    identity: config.tls?.clients?.forward ? identityLines : () => '',
  })
}

function buildTcp(config: TcpListenerConfig, accept: Accept, pools: PoolSet): Listener {
  const byDefault = tcpPool(pools, config.pool)
  const named = new Map(Object.entries(config.serverNames).map(([name, pool]) => [name, tcpPool(pools, pool)]))
  return new TcpListener({ ...accept, route: (serverName) => poolFor(serverName, named) ?? byDefault })
}

/** Exactly the name, or a wildcard in place of its first label. */
function poolFor(serverName: string, named: ReadonlyMap<string, TcpPool>): TcpPool | undefined {
  return named.get(serverName) ?? named.get(serverName.replace(/^[^.]+/, '*'))
}

type Accept = Omit<AcceptorOptions, 'onArrival'>

function acceptOptions(
  name: string,
  config: ListenerConfig,
  { pools, certificates }: Readonly<{ pools: PoolSet; certificates: Certificates | null }>,
): Accept {
  const { sweeper, logger } = pools.shared
  const { connections, connectionsPerAddress, handshakes, handshakeTimeout } = config.limits
  const trusts = trustOf(config.trustedProxies)
  const anyone = config.trustedProxies.length === 0
  return {
    name,
    listen: config.listen,
    connections: new OwnAllowance(connections),
    connectionsPerAddress,
    handshakes,
    handshakeTimeout,
    proxyProtocol: config.proxyProtocol,
    trustsProxy: (address) => anyone || trusts(address),
    tls: certificates?.tls ?? null,
    readServerName: !config.tls && config.protocol === 'tcp' && Object.keys(config.serverNames).length > 0,
    readPreface: !config.tls && config.protocol === 'http' && config.http2 === 'cleartext' && !hasFront(config),
    sweeper,
    onError: (error) =>
      logger.log.error({ listener: name, error: error.message }, 'a connection could not be accepted'),
  }
}

function certificatesOf(name: string, config: ListenerConfig, { shared }: PoolSet): Certificates | null {
  const { tls } = config
  if (!tls) return null
  // Routes of the front are served by Node's HTTP/1.1 alone, and nobody may come past them.
  const http2 = config.protocol === 'http' && config.http2 !== 'off' && !hasFront(config)
  const certificates = new Certificates({
    listener: name,
    files: [{ cert: tls.cert, key: tls.key }, ...tls.certificates],
    minVersion: tls.minVersion,
    clients: tls.clients ?? null,
    alpn: config.protocol === 'tcp' ? [] : http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    clock: shared.clock,
    report: (problem) => shared.logger.log.warn(problem),
  })
  certificates.watch()
  return certificates
}

const hasFront = ({ front }: HttpListenerConfig): boolean => front.routes.length > 0

type RouteConfig = HttpListenerConfig['front']['routes'][number]

function localRoute(route: RouteConfig, pools: PoolSet): LocalRoute {
  const { path, methods = [], respond, redirect, pool = '', rewrite } = route
  if (respond) return { kind: 'respond', path, methods, ...respond }
  if (redirect) return { kind: 'redirect', path, methods, ...redirect }
  const other = rewrite === undefined ? null : pathRewrite(path, rewrite)
  return { kind: 'pool', path, methods, pool: httpPool(pools, pool), rewrite: other }
}

const httpPool = (pools: PoolSet, name: string): HttpPool => existing(poolNamed(pools, name).http, name)
const tcpPool = (pools: PoolSet, name: string): TcpPool => existing(poolNamed(pools, name).tcp, name)

function poolNamed(pools: PoolSet, name: string): PoolParts {
  return existing(pools.parts.get(name), name)
}

/** The configuration's own rules promise it. */
function existing<T>(pool: T | null | undefined, name: string): T {
  if (pool) return pool
  throw new StartError(`no pool ${name} for this listener`, 'Name one of the pools of the file.')
}

function withEnd(listener: Listener, end: () => void): Listener {
  return {
    name: listener.name,
    get open() {
      return listener.open
    },
    get turnedAway() {
      return listener.turnedAway
    },
    listen: () => listener.listen(),
    drain: () => listener.drain(),
    kill: () => {
      end()
      listener.kill()
    },
  }
}
