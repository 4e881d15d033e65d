/** Builds a listener in front of its pools: HTTP or TCP, with its certificates. */
import type { HttpListenerConfig, ListenerConfig, TcpListenerConfig } from '../config/schema.ts'
import type { Allowance } from '../core/allowance.ts'
import { OwnAllowance } from '../core/allowance.ts'
import { identityLines } from '../http/client-identity.ts'
import { createFront } from '../http/front.ts'
import type { HttpPool } from '../http/http-pool.ts'
import { HttpListener } from '../http/listener.ts'
import type { LocalRoute } from '../http/local-route.ts'
import { pathRewrite } from '../http/path-rewrite.ts'
import { TcpListener } from '../tcp/listener.ts'
import type { TcpPool } from '../tcp/tcp-pool.ts'
import type { AcceptorOptions } from '../wire/acceptor.ts'
import type { TurnedAway } from '../wire/entrance.ts'
import { DEFAULT_CLIENT_LIMITS } from '../wire/limits.ts'
import type { BoundTo } from '../wire/listening-sockets.ts'
import type { ServerTls } from '../wire/server-tls.ts'
import { Certificates } from './certificates.ts'
import { listenerCannotListen, StartError } from './start-error.ts'
import type { Traffic, TrafficShared } from './traffic-parts.ts'
import { trustOf } from './trust.ts'

/** The pools that listeners are in front of, and what they share. */
export type Carried = Readonly<{
  shared: Pick<TrafficShared, 'clock' | 'sweeper' | 'logger'>
  traffic(pool: string): Traffic | null
}>

/** What it shares with listeners of the same name in other threads, if there are any. */
export type ListenerShare = Readonly<{
  connections: Allowance
  /** Among how many clients' connections are dealt out. */
  threads: number
  /** How many it listens on. */
  sockets: number
  /** The port that was got where 0 was asked for. */
  port: number | null
  ticketKeys: Buffer | null
}>

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
export async function buildListener(
  name: string,
  config: ListenerConfig,
  carried: Carried,
  share: ListenerShare = alone(config),
): Promise<Listener> {
  const { tls, stop } = certificatesOf(name, config, { carried, share })
  const accept = { ...acceptOptions(name, config, { carried, share }), tls }
  const listener =
    config.protocol === 'http' ? await buildHttp(config, accept, carried) : buildTcp(config, accept, carried)
  return tls ? withEnd(listener, stop) : listener
}

/** Throws a StartError when its address cannot be had. */
export async function bindListener(
  listener: Listener,
  settings: Readonly<Record<string, ListenerConfig>>,
): Promise<BoundTo & Readonly<{ name: string }>> {
  const { name } = listener
  try {
    return { name, ...(await listener.listen()) }
  } catch (error) {
    throw listenerCannotListen(name, settings[name]?.listen.text ?? '', error)
  }
}

/** No other thread has a listener of that name. */
export const alone = ({ limits }: ListenerConfig, sockets = 1): ListenerShare => ({
  connections: new OwnAllowance(limits.connections),
  threads: 1,
  sockets,
  port: null,
  ticketKeys: null,
})

async function buildHttp(config: HttpListenerConfig, accept: Accept, carried: Carried): Promise<Listener> {
  const { headerBytes, headerTimeout, idleTimeout, streams } = config.limits
  const limits = { ...DEFAULT_CLIENT_LIMITS, headBytes: headerBytes, headTimeout: headerTimeout, idleTimeout }
  const pool = httpPool(carried, config.pool)
  const routes = config.front.routes.map((route) => localRoute(route, carried))
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

function buildTcp(config: TcpListenerConfig, accept: Accept, carried: Carried): Listener {
  const byDefault = tcpPool(carried, config.pool)
  const named = new Map(Object.entries(config.serverNames).map(([name, pool]) => [name, tcpPool(carried, pool)]))
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
  { carried, share }: Readonly<{ carried: Carried; share: ListenerShare }>,
): Omit<Accept, 'tls'> {
  const { sweeper, logger } = carried.shared
  const { connectionsPerAddress, handshakes, handshakeTimeout } = config.limits
  const { connections, threads, sockets, port } = share
  const { listen } = config
  const trusts = trustOf(config.trustedProxies)
  const anyone = config.trustedProxies.length === 0
  return {
    name,
    listen: listen.kind === 'tcp' && port !== null ? { ...listen, port } : listen,
    sockets,
    reusePort: threads > 1,
    connections,
    // The kernel deals connections out by chance, so that no thread may be the only one that an address is let into.
    connectionsPerAddress: Math.ceil(connectionsPerAddress / threads),
    handshakes: Math.ceil(handshakes / threads),
    handshakeTimeout,
    proxyProtocol: config.proxyProtocol,
    trustsProxy: (address) => anyone || trusts(address),
    readServerName: !config.tls && config.protocol === 'tcp' && Object.keys(config.serverNames).length > 0,
    readPreface: !config.tls && config.protocol === 'http' && config.http2 === 'cleartext' && !hasFront(config),
    sweeper,
    onError: (error) =>
      logger.log.error({ listener: name, error: error.message }, 'a connection could not be accepted'),
  }
}

function certificatesOf(
  name: string,
  config: ListenerConfig,
  { carried: { shared }, share }: Readonly<{ carried: Carried; share: ListenerShare }>,
): Readonly<{ tls: ServerTls | null; stop(): void }> {
  const { tls } = config
  if (!tls) return { tls: null, stop: () => {} }
  // Routes of the front are served by Node's HTTP/1.1 alone, and nobody may come past them.
  const http2 = config.protocol === 'http' && config.http2 !== 'off' && !hasFront(config)
  const certificates = new Certificates({
    listener: name,
    files: [{ cert: tls.cert, key: tls.key }, ...tls.certificates],
    minVersion: tls.minVersion,
    clients: tls.clients ?? null,
    alpn: config.protocol === 'tcp' ? [] : http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    ticketKeys: share.ticketKeys,
    clock: shared.clock,
    report: (problem) => shared.logger.log.warn(problem),
  })
  certificates.watch()
  return { tls: certificates.tls, stop: () => certificates.stop() }
}

const hasFront = ({ front }: HttpListenerConfig): boolean => front.routes.length > 0

type RouteConfig = HttpListenerConfig['front']['routes'][number]

function localRoute(route: RouteConfig, carried: Carried): LocalRoute {
  const { path, methods = [], respond, redirect, pool = '', rewrite } = route
  if (respond) return { kind: 'respond', path, methods, ...respond }
  if (redirect) return { kind: 'redirect', path, methods, ...redirect }
  const other = rewrite === undefined ? null : pathRewrite(path, rewrite)
  return { kind: 'pool', path, methods, pool: httpPool(carried, pool), rewrite: other }
}

const httpPool = (carried: Carried, name: string): HttpPool => existing(poolNamed(carried, name).http, name)
const tcpPool = (carried: Carried, name: string): TcpPool => existing(poolNamed(carried, name).tcp, name)

function poolNamed(carried: Carried, name: string): Traffic {
  return existing(carried.traffic(name), name)
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
