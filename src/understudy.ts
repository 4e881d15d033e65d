/** The composition root: builds all parts from a configuration and joins them. The only place that knows everyone. */
import { randomBytes } from 'node:crypto'
import type { Admin, AdminListen } from './admin/server.ts'
import { startAdmin } from './admin/server.ts'
import { buildListener } from './assembly/listener-parts.ts'
import type { PoolParts, Shared } from './assembly/pool-parts.ts'
import { buildPool } from './assembly/pool-parts.ts'
import { cannotListen } from './assembly/start-error.ts'
import { redact } from './config/load.ts'
import type { Config, ListenAddress } from './config/schema.ts'
import type { HttpListener } from './http/listener.ts'
import { MemoryBudget } from './http/memory-budget.ts'
import type { Logger } from './logging.ts'
import { logNotice } from './logging.ts'
import { createMetrics } from './metrics/metrics.ts'
import { systemClock } from './runtime/clock.ts'
import { Journal } from './runtime/journal.ts'
import { Notices } from './runtime/notices.ts'
import type { PoolRuntime } from './runtime/pool-runtime.ts'
import { StateStore } from './runtime/state-store.ts'
import { Sweeper } from './wire/sweeper.ts'

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

/** Of all requests together, kept in memory for replays. */
const REPLAY_MEMORY = 64 * 1_048_576
/** Where hooks are looked for unless the caller says otherwise. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Rejects with a StartError when an address cannot be had or a file cannot be read; nothing is left running then. */
export async function startUnderstudy(config: Config, options: StartOptions): Promise<Understudy> {
  const clock = systemClock
  const { logger } = options
  const report = (problem: string): void => logger.log.warn(problem)
  const notices = new Notices()
  const journal = new Journal({ dir: config.state.dir, report })
  notices.listen((notice) => {
    logNotice(logger, notice)
    journal.append(notice)
  })
  const shared: Shared = {
    clock,
    sweeper: new Sweeper(clock),
    memory: new MemoryBudget(REPLAY_MEMORY),
    notices,
    store: new StateStore({ dir: config.state.dir, report }),
    logger,
    logsRequests: config.log.access !== 'off',
    version: options.version,
    path: options.path ?? SYSTEM_PATH,
    makeRequestId: requestIds(),
  }
  const pools = new Map(Object.entries(config.pools).map(([name, pool]) => [name, buildPool(name, pool, shared)]))
  const listeners = Object.entries(config.listeners).map(([name, listener]) =>
    buildListener(name, listener, pools, shared),
  )
  const system = new System({ config, shared, pools, listeners, journal, probing: options.probing !== false })
  return system.start()
}

class System {
  private readonly parts: Readonly<{
    config: Config
    shared: Shared
    pools: ReadonlyMap<string, PoolParts>
    listeners: readonly HttpListener[]
    journal: Journal
    probing: boolean
  }>
  private running: readonly RunningListener[] = []
  private admin: Admin | null = null
  private stopping: Promise<void> | null = null

  constructor(parts: System['parts']) {
    this.parts = parts
  }

  async start(): Promise<Understudy> {
    const { pools, shared, listeners, config, probing } = this.parts
    const runtimes = new Map([...pools].map(([name, { runtime }]) => [name, runtime]))
    try {
      this.running = await Promise.all(listeners.map((listener) => this.bind(listener)))
      this.admin = await this.startAdmin(runtimes)
    } catch (error) {
      this.kill()
      throw error
    }
    for (const { runtime, prober } of pools.values()) {
      runtime.start((upstream) => prober.probeNow(upstream))
      if (probing) prober.start()
      this.announceStart(runtime)
    }
    const { address, port } = this.admin
    return {
      listeners: this.running,
      admin: { address: address || config.admin.listen.text, port },
      pools: runtimes,
      notices: shared.notices,
      stop: () => this.stop(),
      kill: () => this.kill(),
    }
  }

  private announceStart(runtime: PoolRuntime): void {
    const { decision, epoch } = runtime.state
    const text = `pool ${runtime.name} starts with ${decision.to} active: ${decision.reason}`
    const { shared } = this.parts
    shared.notices.publish({
      type: 'started',
      at: shared.clock.now(),
      pool: runtime.name,
      epoch,
      to: decision.to,
      text,
    })
  }

  private async bind(listener: HttpListener): Promise<RunningListener> {
    const settings = this.parts.config.listeners[listener.name]
    try {
      const bound = await listener.listen()
      return { name: listener.name, ...bound, pool: settings?.pool ?? '' }
    } catch (error) {
      const listen = settings?.listen.text ?? ''
      throw cannotListen(`listener ${listener.name}`, listen, `listeners.${listener.name}.listen`, error)
    }
  }

  private async startAdmin(pools: ReadonlyMap<string, PoolRuntime>): Promise<Admin> {
    const { config, shared, listeners } = this.parts
    const { listen, token } = config.admin
    const { clock, notices, version, logger } = shared
    const views = () =>
      this.running.map((running, index) => ({
        ...running,
        connections: listeners[index]?.open ?? 0,
        refused: listeners[index]?.turnedAway ?? 0,
      }))
    const metrics = createMetrics(pools, { version, clock, listeners: views })
    try {
      return await startAdmin(
        {
          pools,
          notices,
          configView: redact(config),
          metrics,
          version,
          clock,
          listeners: views,
          urlOf: (pool, upstream) => this.urlOf(pool, upstream),
          token: token ?? null,
          hosts: listen.kind === 'tcp' && listen.host !== '' ? [listen.host] : [],
          ready: () => this.stopping === null && [...pools.values()].every(({ route }) => route.active !== null),
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
    return this.parts.pools.get(pool)?.config.upstreams.find(({ name }) => name === upstream)?.url.text ?? null
  }

  private stop(): Promise<void> {
    this.stopping ??= this.drain()
    return this.stopping
  }

  private async drain(): Promise<void> {
    const { pools, listeners, shared, journal } = this.parts
    const configs = [...pools.values()].map(({ config }) => config)
    const patience = Math.max(0, ...configs.map(({ drain }) => drain.timeout))
    const drained = Promise.all(listeners.map((listener) => listener.drain()))
    // Tunnels never end by themselves.
    for (const { runtime, config } of pools.values()) {
      for (const { id } of runtime.state.upstreams) {
        for (const traffic of runtime.ledger(id).traffic) traffic.closeTunnels(config.drain.spread)
      }
    }
    await Promise.race([drained, new Promise<void>((resolve) => shared.clock.after(patience, resolve))])
    await this.admin?.close()
    this.kill()
    await Promise.all([journal.close(), shared.store.close()])
  }

  private kill(): void {
    const { pools, listeners, shared } = this.parts
    for (const { runtime, prober } of pools.values()) {
      prober.stop()
      runtime.stop()
    }
    for (const listener of listeners) listener.kill()
    for (const { http } of pools.values()) http.close()
    shared.sweeper.stop()
  }
}

function requestIds(): () => string {
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}

function adminListen(listen: ListenAddress): AdminListen {
  if (listen.kind === 'unix') return { path: listen.path }
  return { host: listen.host === '' ? '::' : listen.host, port: listen.port }
}
