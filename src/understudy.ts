/** The composition root: builds all parts from a configuration and joins them. The only place that knows everyone. */
import type { Admin, AdminListen } from './admin/server.ts'
import { startAdmin } from './admin/server.ts'
import type { Listener } from './assembly/listener-parts.ts'
import { buildListener } from './assembly/listener-parts.ts'
import { PoolSet } from './assembly/pool-set.ts'
import { cannotListen } from './assembly/start-error.ts'
import { redact } from './config/load.ts'
import type { Config, ListenAddress } from './config/schema.ts'
import type { Logger } from './logging.ts'
import { createMetrics } from './metrics/metrics.ts'
import type { Notices } from './runtime/notices.ts'
import type { PoolRuntime } from './runtime/pool-runtime.ts'

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
  /** Off only where a test wants no other traffic than its own. */
  probing?: boolean
}>

/** Rejects with a StartError when an address cannot be had or a file cannot be read; nothing is left running then. */
export async function startUnderstudy(config: Config, options: StartOptions): Promise<Understudy> {
  const pools = new PoolSet(config, options)
  const system = new System(config, pools, options)
  return system.start()
}

class System {
  private readonly config: Config
  private readonly pools: PoolSet
  private readonly options: StartOptions
  private readonly listeners: Listener[] = []
  private running: readonly RunningListener[] = []
  private admin: Admin | null = null
  private stopping: Promise<void> | null = null

  constructor(config: Config, pools: PoolSet, options: StartOptions) {
    this.config = config
    this.pools = pools
    this.options = options
  }

  async start(): Promise<Understudy> {
    const { pools, config } = this
    try {
      for (const [name, listener] of Object.entries(config.listeners)) {
        this.listeners.push(await buildListener(name, listener, pools))
      }
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

  private async bind(listener: Listener): Promise<RunningListener> {
    const settings = this.config.listeners[listener.name]
    try {
      const bound = await listener.listen()
      return { name: listener.name, ...bound, pool: settings?.pool ?? '' }
    } catch (error) {
      const listen = settings?.listen.text ?? ''
      throw cannotListen(`listener ${listener.name}`, listen, `listeners.${listener.name}.listen`, error)
    }
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
    const metrics = createMetrics(pools.runtimes, { version, clock, listeners: views })
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
    await pools.flush()
  }

  private kill(): void {
    for (const listener of this.listeners) listener.kill()
    this.pools.kill()
  }
}

function adminListen(listen: ListenAddress): AdminListen {
  if (listen.kind === 'unix') return { path: listen.path }
  return { host: listen.host === '' ? '::' : listen.host, port: listen.port }
}
