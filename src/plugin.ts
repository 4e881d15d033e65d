/**
 * Understudy inside a Fastify application: pools behind its routes, after its hooks. The composition root of library mode,
 * as `understudy.ts` is that of the proxy of its own.
 */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { CommandDetails, CommandName, CommandResult } from './admin/commands.ts'
import { carryOut, toCommand } from './admin/commands.ts'
import { snapshot } from './admin/pool-access.ts'
import type { PoolView } from './admin/views.ts'
import { poolView } from './admin/views.ts'
import { Application } from './assembly/application.ts'
import { PoolSet } from './assembly/pool-set.ts'
import { formatProblem } from './config/load.ts'
import type { OptionsResult, UnderstudyOptions } from './config/options.ts'
import { configFromOptions } from './config/options.ts'
import type { Config } from './config/schema.ts'
import { everyMethod } from './http/every-method.ts'
import type { HttpPool } from './http/http-pool.ts'
import { pathRewrite } from './http/path-rewrite.ts'
import type { PoolRoute } from './http/pool-route.ts'
import { poolRoute } from './http/pool-route.ts'
import { routeUpgrades } from './http/upgrade-routing.ts'
import type { NoticeListener, NumberedNotice } from './runtime/notices.ts'
import { version } from './version.ts'

/** What `app.understudy` is. */
export type UnderstudyControl = Readonly<{
  /**
   * For a route of one's own: `app.route({ method: 'GET', url: '/x', preHandler: check, ...app.understudy.to('shop') })`.
   * `rewrite`: what the path has to begin with, and what the upstream gets in place of that.
   */
  to(pool: string, rewrite?: Readonly<{ prefix: string; to: string }>): PoolRoute
  /** What `GET /upstreams` of the admin API shows. */
  upstreams(): readonly PoolView[]
  /** Throws an error with `code`, `message` and `hint` when the pool refuses. `by` and `why` are recorded. */
  command(
    pool: string,
    name: CommandName,
    details?: CommandDetails & Readonly<{ by?: string; why?: string }>,
  ): CommandResult
  notices: Readonly<{
    /** Everything that happens, as it happens. Returns the function that ends it. */
    listen(listener: NoticeListener): () => void
    /** What has happened, oldest first, behind the notice with this id: 0 for all that are still kept. */
    since(id: number, pool?: string): readonly NumberedNotice[]
  }>
}>

declare module 'fastify' {
  interface FastifyInstance {
    understudy: UnderstudyControl
  }
}

const BY = 'the application'

const plugin: FastifyPluginAsync<UnderstudyOptions> = async (app, options) => {
  const settings = checked(options)
  for (const warning of settings.warnings) app.log.warn(formatProblem(warning))
  const logger = {
    log: app.log,
    flush: () => {},
    access: () => {},
    pass: () => {},
    close: async () => {},
    writeLast: () => {},
  }
  const pools = new PoolSet(settings.config, { version: version(), logger })
  const application = new Application(pools.shared.clock, settings.trustedProxies)
  everyMethod(app)
  for (const { path, pool, rewrite } of settings.routes) {
    // Of the application's own prefix nobody has told us.
    const other = rewrite === null ? null : pathRewrite(`${app.prefix}${path}`, rewrite)
    const route = poolRoute({ pool: poolOf(pools, pool), rewrite: other, server: application })
    app.route({ method: app.supportedMethods, url: path, ...route })
  }
  app.decorate('understudy', control(settings.config, pools, application))
  if (options.upgrades !== false) takeUpgrades(app, pools)
  // Nothing runs before: a registration that fails leaves nothing behind.
  join(app, pools, application)
}

/** Outside of any encapsulation: `app.understudy` belongs to the application that registers it. */
export const understudy = Object.assign(plugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'understudy-proxy',
  [Symbol.for('plugin-meta')]: { name: 'understudy-proxy', fastify: '5.x' },
})

function checked(options: UnderstudyOptions): Extract<OptionsResult, { ok: true }> {
  const result = configFromOptions(options)
  if (result.ok) return result
  throw new Error(`understudy cannot start:\n${result.problems.map(formatProblem).join('\n')}`)
}

/** The pools begin and end with the application. */
function join(app: FastifyInstance, pools: PoolSet, application: Application): void {
  app.addHook('onReady', async () => pools.start(true))
  app.addHook('preClose', async () => {
    application.end(pools.patience)
    // They would keep the server from closing.
    pools.closeTunnels()
  })
  app.addHook('onClose', async () => {
    application.kill()
    pools.kill()
    await pools.flush()
  })
}

function takeUpgrades(app: FastifyInstance, { shared }: PoolSet): void {
  routeUpgrades(app, shared.clock)
  app.addHook('onReady', async () => {
    if (app.server.listenerCount('upgrade') < 2) return
    app.log.warn('WebSockets are taken by another plugin too: give one of them up, here with `upgrades: false`')
  })
}

function poolOf(pools: PoolSet, name: string): HttpPool {
  const pool = pools.traffic(name)?.http
  if (pool) return pool
  throw new Error(`understudy: there is no pool ${name}; the pools are ${[...pools.parts.keys()].join(', ')}`)
}

function control(config: Config, pools: PoolSet, server: Application): UnderstudyControl {
  const { clock, notices, logger } = pools.shared
  const access = {
    pools: pools.runtimes,
    clock,
    urlOf: (pool: string, upstream: string) =>
      config.pools[pool]?.upstreams.find(({ name }) => name === upstream)?.url.text ?? null,
  }
  return {
    to: (name, rewrite) => {
      const other = rewrite ? pathRewrite(`${rewrite.prefix.replace(/\/$/, '')}/*`, rewrite.to) : null
      return poolRoute({ pool: poolOf(pools, name), rewrite: other, server })
    },
    upstreams: () => [...pools.runtimes.values()].map((pool) => poolView(snapshot(access, pool))),
    command: (pool, name, details = {}) =>
      carryOut(access, pool, toCommand(name, details), { by: details.by ?? BY, why: details.why ?? '' }),
    notices: {
      listen: (listener) => notices.listen(shielded(listener, (error) => logger.log.error(error))),
      since: (id, pool) => notices.since(id, pool ?? null),
    },
  }
}

/** A pool must not stumble in the middle of a switch over somebody who only listens. */
function shielded(listener: NoticeListener, report: (error: unknown) => void): NoticeListener {
  return (notice) => {
    try {
      listener(notice)
    } catch (error) {
      report(error)
    }
  }
}
