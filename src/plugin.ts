/**
 * Understudy inside a Fastify application: pools behind its routes, after its hooks. The composition root of library mode,
 * as `understudy.ts` is that of the proxy of its own.
 */
import type { FastifyInstance, FastifyPluginAsync, RouteOptions } from 'fastify'
import type { CommandDetails, CommandName, CommandResult } from './admin/commands.ts'
import { carryOut, toCommand } from './admin/commands.ts'
import { snapshot } from './admin/pool-access.ts'
import type { PoolView } from './admin/views.ts'
import { poolView } from './admin/views.ts'
import { PoolSet } from './assembly/pool-set.ts'
import { trustOf } from './assembly/trust.ts'
import { formatProblem } from './config/load.ts'
import type { PoolOptions } from './config/options.ts'
import { configFromOptions } from './config/options.ts'
import type { Config } from './config/schema.ts'
import { everyMethod } from './http/every-method.ts'
import type { HttpPool } from './http/http-pool.ts'
import type { NodeRequest } from './http/node-request.ts'
import { pathRewrite } from './http/path-rewrite.ts'
import type { PoolRouteSetup } from './http/pool-route.ts'
import { poolHook } from './http/pool-route.ts'
import { routeUpgrades } from './http/upgrade-routing.ts'
import type { Notices } from './runtime/notices.ts'
import { plainAddress } from './wire/endpoint.ts'
import { DEFAULT_CLIENT_LIMITS } from './wire/limits.ts'

export type PoolRoute = Readonly<{
  pool: string
  /** What the upstream gets in place of what is before `/*` in the path of the route. */
  rewrite?: string
}>

export type UnderstudyOptions = PoolOptions &
  Readonly<{
    /** Pools by path, such as `/api/*`. Without it the only pool there is gets every path. */
    routes?: Readonly<Record<string, string | PoolRoute>>
    /** Before the path of every route. */
    prefix?: string
    /** Passes WebSockets on. Off where another plugin of the application takes upgrades. */
    upgrades?: boolean
  }>

export type UnderstudyControl = Readonly<{
  /** For a route of one's own: `app.route({ method: 'GET', url: '/x', ...app.understudy.to('shop') })`. */
  to(pool: string, rewrite?: Readonly<{ prefix: string; to: string }>): Pick<RouteOptions, 'onRequest' | 'handler'>
  /** What `GET /upstreams` of the admin API shows. */
  upstreams(): readonly PoolView[]
  /** Throws an error with `code`, `message` and `hint` when the pool refuses. `by` and `why` are recorded. */
  command(
    pool: string,
    name: CommandName,
    details?: CommandDetails & Readonly<{ by?: string; why?: string }>,
  ): CommandResult
  notices: Notices
}>

declare module 'fastify' {
  interface FastifyInstance {
    understudy: UnderstudyControl
  }
}

const VERSION = 'library'
const BY = 'the application'

const plugin: FastifyPluginAsync<UnderstudyOptions> = async (app, options) => {
  const config = checked(options)
  const logger = { log: app.log, flush: () => {}, access: () => {}, close: async () => {}, writeLast: () => {} }
  const pools = new PoolSet(config, { version: VERSION, logger })
  const to = routesTo(config, pools)
  app.decorate('understudy', { to, ...control(config, pools) })
  everyMethod(app)
  for (const [path, target] of Object.entries(routesOf(options))) {
    const { pool, rewrite } = typeof target === 'string' ? { pool: target } : target
    const url = `${options.prefix ?? ''}${path}`
    const prefix = url.replace(/\/?\*$/, '')
    const handlers = to(pool, rewrite === undefined ? undefined : { prefix, to: rewrite })
    app.route({ method: app.supportedMethods, url, ...handlers })
  }
  if (options.upgrades !== false) routeUpgrades(app)
  endWith(app, pools)
}

/** Outside of any encapsulation: `app.understudy` belongs to the application that registers it. */
export const understudy = Object.assign(plugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'understudy-proxy',
})

function checked(options: UnderstudyOptions): Config {
  const result = configFromOptions(options)
  if (result.ok) return result.config
  throw new Error(`understudy cannot start:\n${result.problems.map(formatProblem).join('\n')}`)
}

function routesOf({ routes, pools }: UnderstudyOptions): Readonly<Record<string, string | PoolRoute>> {
  if (routes) return routes
  const [only, ...others] = Object.keys(pools)
  if (only === undefined || others.length > 0) {
    throw new Error(
      `understudy: with more than one pool say which paths go where, as in routes: { '/api/*': '${only}' }`,
    )
  }
  return { '/*': only }
}

function routesTo(config: Config, pools: PoolSet): UnderstudyControl['to'] {
  const trusts = trustOf(config.listeners['application']?.trustedProxies ?? [])
  const clientOf: PoolRouteSetup['clientOf'] = ({ socket, httpVersionMajor }: NodeRequest) => {
    const address = plainAddress(socket.remoteAddress ?? 'unknown')
    return {
      listener: 'application',
      address,
      secure: 'encrypted' in socket,
      version: httpVersionMajor >= 2 ? '2.0' : '1.1',
      identity: '',
      trusted: trusts(address),
    }
  }
  return (name, rewrite) => ({
    onRequest: poolHook({
      pool: poolOf(pools, name),
      rewrite: rewrite ? pathRewrite(rewrite.prefix, rewrite.to) : null,
      limits: DEFAULT_CLIENT_LIMITS,
      clientOf,
    }),
    handler: () => {
      throw new Error('the hook has taken every request before')
    },
  })
}

function poolOf(pools: PoolSet, name: string): HttpPool {
  const pool = pools.parts.get(name)?.http
  if (pool) return pool
  throw new Error(`understudy: there is no pool ${name}; the pools are ${[...pools.parts.keys()].join(', ')}`)
}

function control(config: Config, pools: PoolSet): Omit<UnderstudyControl, 'to'> {
  const access = {
    pools: pools.runtimes,
    clock: pools.shared.clock,
    urlOf: (pool: string, upstream: string) =>
      config.pools[pool]?.upstreams.find(({ name }) => name === upstream)?.url.text ?? null,
  }
  return {
    upstreams: () => [...pools.runtimes.values()].map((pool) => poolView(snapshot(access, pool))),
    command: (pool, name, details = {}) =>
      carryOut(access, pool, toCommand(name, details), { by: details.by ?? BY, why: details.why ?? '' }),
    notices: pools.shared.notices,
  }
}

function endWith(app: FastifyInstance, pools: PoolSet): void {
  app.addHook('onReady', async () => pools.start(true))
  // Tunnels would keep the server from closing.
  app.addHook('preClose', async () => pools.closeTunnels())
  app.addHook('onClose', async () => {
    pools.kill()
    await pools.flush()
  })
}
