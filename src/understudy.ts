/** The composition root: builds all parts from a configuration and joins them. The only place that knows everyone. */
import type { Admin, AdminListen } from './admin/server.ts'
import { startAdmin } from './admin/server.ts'
import { buildCrew, crewSize, startCrew } from './assembly/crew-parts.ts'
import type { Listener } from './assembly/listener-parts.ts'
import { alone, bindListener, buildListener } from './assembly/listener-parts.ts'
import { PoolSet } from './assembly/pool-set.ts'
import { rehearse } from './assembly/rehearsal.ts'
import { mustBeFree, socketsEach } from './assembly/shared-ports.ts'
import { cannotListen } from './assembly/start-error.ts'
import { redact } from './config/load.ts'
import type { Config, ListenAddress } from './config/schema.ts'
import type { Logger } from './logging.ts'
import { createMetrics } from './metrics/metrics.ts'
import type { Notices } from './runtime/notices.ts'
import type { PoolRuntime } from './runtime/pool-runtime.ts'
import type { Crew } from './workers/crew.ts'

export { StartError } from './assembly/start-error.ts'

export type RunningListener = Readonly<{ name: string; address: string; port: number | null; pool: string }>

export type Understudy = Readonly<{
  /** As bound: port 0 has become a real one. */
  listeners: readonly RunningListener[]
  admin: Readonly<{ address: string; port: number | null }>
  pools: ReadonlyMap<string, PoolRuntime>
  notices: Notices
  /** Accepts no more, finishes what is under way within the drain deadline, and ends. */
  stop(): Promise<void>
  /** Ends at once. */
  kill(): void
}>

export type StartOptions = Readonly<{
  version: string
  logger: Logger
  /** Where hooks are looked for. */
  path?: string
  /** A failover before the first one, so that its code is compiled. */
  rehearses?: boolean
  /** Off only where a test wants no other traffic than its own. */
  probing?: boolean
}>

/** Rejects with a StartError when an address cannot be had or a file cannot be read; nothing is left running then. */
export async function startUnderstudy(config: Config, options: StartOptions): Promise<Understudy> {
  const size = crewSize(config)
  const { rehearses = false } = options
  if (size === 1) {
    if (rehearses) await rehearse(options)
    return new System(config, new PoolSet(config, options), null, options).start()
  }
  let crew: Crew | null = null
  const pools = new PoolSet(config, {
    ...options,
    elsewhere: {
      onChange: (state, route) => crew?.changed(state, route),
      onProbe: {
        started: (pool, upstream, at) => crew?.probeStarted(pool, upstream, at),
        ended: (pool, upstream, result, sentAt) => crew?.probeEnded(pool, upstream, result, sentAt),
      },
    },
  })
  // Workers rehearse for themselves: what one thread has compiled is of no use to another.
  crew = buildCrew(config, { size, rehearses }, pools)
  return new System(config, pools, crew, options).start()
}

class System {
  private readonly config: Config
  private readonly pools: PoolSet
  private readonly options: StartOptions
  /** Where several threads carry the traffic. */
  private readonly crew: Crew | null
  private readonly listeners: Listener[] = []
  private running: readonly RunningListener[] = []
  private admin: Admin | null = null
  private stopping: Promise<void> | null = null

  constructor(config: Config, pools: PoolSet, crew: Crew | null, options: StartOptions) {
    this.config = config
    this.pools = pools
    this.crew = crew
    this.options = options
  }

  async start(): Promise<Understudy> {
    const { pools, config } = this
    try {
      const { listeners } = config
      if (this.crew || socketsEach(listeners) > 1) await mustBeFree(listeners)
      if (this.crew) this.listeners.push(...(await startCrew(this.crew)))
      else await this.buildListeners()
      this.running = await Promise.all(this.listeners.map((listener) => this.bind(listener)))
      this.admin = await this.startAdmin()
    } catch (error) {
      this.kill()
      throw error
    }
    pools.start(this.options.probing !== false)
    const { address, port } = this.admin
    return {
      listeners: this.running,
      admin: { address: address || config.admin.listen.text, port },
      pools: pools.runtimes,
      notices: pools.shared.notices,
      stop: () => this.stop(),
      kill: () => this.kill(),
    }
  }

  private async buildListeners(): Promise<void> {
    const { listeners } = this.config
    const sockets = socketsEach(listeners)
    for (const [name, listener] of Object.entries(listeners)) {
      this.listeners.push(await buildListener(name, listener, this.pools, alone(listener, sockets)))
    }
  }

  private async bind(listener: Listener): Promise<RunningListener> {
    const { listeners } = this.config
    return { ...(await bindListener(listener, listeners)), pool: listeners[listener.name]?.pool ?? '' }
  }

  private async startAdmin(): Promise<Admin> {
    const { config, pools, listeners } = this
    const { listen, token } = config.admin
    const { clock, notices, version, logger } = pools.shared
    const views = () =>
      this.running.map((running, index) => ({
        ...running,
        connections: listeners[index]?.open ?? 0,
        refused: listeners[index]?.turnedAway ?? {},
      }))
    const { crew } = this
    const workers = () => crew?.figures ?? { running: 1, replaced: 0 }
    const metrics = createMetrics(pools.runtimes, { version, clock, listeners: views, workers })
    try {
      return await startAdmin(
        {
          pools: pools.runtimes,
          notices,
          drills: pools.drills,
          recall: (matches) => pools.recall(matches),
          configView: redact(config),
          metrics,
          version,
          clock,
          listeners: views,
          refresh: async () => crew?.refresh(),
          urlOf: (pool, upstream) => this.urlOf(pool, upstream),
          token: token ?? null,
          hosts: listen.kind === 'tcp' && listen.host !== '' ? [listen.host] : [],
          ready: () => this.stopping === null && pools.ready,
          onError: (error) => logger.log.error(error),
        },
        adminListen(listen),
      )
    } catch (error) {
      metrics.close()
      throw cannotListen('the admin API', listen.text, 'admin.listen', error)
    }
  }

  private urlOf(pool: string, upstream: string): string | null {
    return this.config.pools[pool]?.upstreams.find(({ name }) => name === upstream)?.url.text ?? null
  }

  private stop(): Promise<void> {
    this.stopping ??= this.drain()
    return this.stopping
  }

  private async drain(): Promise<void> {
    const { pools, listeners } = this
    const drained = Promise.all(listeners.map((listener) => listener.drain()))
    pools.closeTunnels()
    await Promise.race([
      drained,
      new Promise<void>((resolve) => {
        pools.shared.clock.after(pools.patience, resolve)
      }),
    ])
    await this.admin?.close()
    this.kill()
    await Promise.all([this.crew?.kill(), pools.flush()])
  }

  private kill(): void {
    for (const listener of this.listeners) listener.kill()
    void this.crew?.kill()
    this.pools.kill()
  }
}

function adminListen(listen: ListenAddress): AdminListen {
  if (listen.kind === 'unix') return { path: listen.path }
  return { host: listen.host === '' ? '::' : listen.host, port: listen.port }
}
