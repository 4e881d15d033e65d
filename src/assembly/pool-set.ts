/** All pools of one proxy with what they share: built, started and ended together, whatever is in front of them. */
import type { Config } from '../config/schema.ts'
import { OwnAllowance } from '../core/allowance.ts'
import type { Logger } from '../logging.ts'
import { logNotice } from '../logging.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Drill } from '../runtime/drill.ts'
import type { JournalEntry } from '../runtime/journal.ts'
import { Journal } from '../runtime/journal.ts'
import { Notices } from '../runtime/notices.ts'
import type { PoolRuntime } from '../runtime/pool-runtime.ts'
import { StateStore } from '../runtime/state-store.ts'
import { WatchTimer } from '../runtime/watch-timer.ts'
import { Sweeper } from '../wire/sweeper.ts'
import { Names } from './names.ts'
import type { PoolParts, Shared } from './pool-parts.ts'
import { buildPool } from './pool-parts.ts'
import { requestIds } from './request-ids.ts'
import type { Traffic } from './traffic-parts.ts'
import { ownAllowance, REPLAY_MEMORY } from './traffic-parts.ts'

export type PoolSetOptions = Readonly<{
  version: string
  logger: Logger
  /** Where hooks are looked for. */
  path?: string
  /** For traffic that is carried in other threads: this one carries none then. */
  elsewhere?: Pick<Shared, 'onChange' | 'onProbe'>
}>

/** Where hooks are looked for unless the caller says otherwise. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export class PoolSet {
  readonly shared: Shared
  readonly parts: ReadonlyMap<string, PoolParts>
  readonly runtimes: ReadonlyMap<string, PoolRuntime>
  readonly drills: ReadonlyMap<string, Drill>
  private readonly journal: Journal

  /** Throws a StartError when a file that a pool needs cannot be read; nothing is left running then. */
  constructor(config: Pick<Config, 'pools' | 'state' | 'log'>, { version, logger, path, elsewhere }: PoolSetOptions) {
    const report = (problem: string): void => logger.log.warn(problem)
    const notices = new Notices()
    const journal = new Journal({ dir: config.state.dir, report })
    notices.listen((notice) => {
      logNotice(logger, notice)
      journal.append(notice)
    })
    const clock = systemClock
    this.journal = journal
    this.shared = {
      clock,
      sweeper: new Sweeper(clock),
      watchTimer: new WatchTimer(clock),
      names: new Names({ clock, log: logger.log }),
      memory: new OwnAllowance(REPLAY_MEMORY),
      notices,
      store: new StateStore({ dir: config.state.dir, report }),
      logger,
      logsRequests: config.log.access !== 'off',
      version,
      path: path ?? SYSTEM_PATH,
      makeRequestId: requestIds(),
      allowance: ownAllowance,
      carriesTraffic: elsewhere === undefined,
      onChange: elsewhere?.onChange ?? (() => {}),
      onProbe: elsewhere?.onProbe ?? { started: () => {}, ended: () => {} },
    }
    this.parts = new Map(Object.entries(config.pools).map(([name, pool]) => [name, buildPool(name, pool, this.shared)]))
    this.runtimes = new Map([...this.parts].map(([name, { runtime }]) => [name, runtime]))
    this.drills = new Map([...this.parts].map(([name, { drill }]) => [name, drill]))
  }

  /** `probing`: off only where a test wants no other traffic than its own. */
  start(probing: boolean): void {
    this.shared.names.start()
    for (const { runtime, prober } of this.parts.values()) {
      runtime.start((upstream) => prober.probeNow(upstream))
      if (probing) prober.start()
      this.announceStart(runtime)
    }
  }

  /** Null where it is carried elsewhere. */
  traffic(pool: string): Traffic | null {
    return this.parts.get(pool)?.traffic ?? null
  }

  /** Every pool has somebody to send requests to. */
  get ready(): boolean {
    return [...this.runtimes.values()].every(({ route }) => route.active !== null)
  }

  /** How long what is under way may take when everything ends, ms. */
  get patience(): number {
    return Math.max(0, ...[...this.parts.values()].map(({ config }) => config.drain.timeout))
  }

  /** Tunnels never end by themselves. */
  closeTunnels(): void {
    for (const { runtime, config } of this.parts.values()) {
      for (const { id } of runtime.state.upstreams) {
        for (const traffic of runtime.ledger(id).traffic) traffic.closeTunnels(config.drain.spread)
      }
    }
  }

  /** Ends what is still under way. */
  kill(): void {
    for (const { runtime, prober, close } of this.parts.values()) {
      prober.stop()
      runtime.stop()
      close()
    }
    this.shared.names.stop()
    this.shared.sweeper.stop()
  }

  /** The latest notice of that kind, from before a restart too. */
  recall(matches: (entry: JournalEntry) => boolean): Promise<JournalEntry | null> {
    return this.journal.findLast(matches)
  }

  /** Resolves when everything that must survive is on disk. */
  async flush(): Promise<void> {
    await Promise.all([this.journal.close(), this.shared.store.close()])
  }

  private announceStart(runtime: PoolRuntime): void {
    const { decision, epoch, pool } = runtime.state
    const { notices, clock, logger } = this.shared
    const observes = runtime.policy.failover === 'observe' ? '; it only observes, nothing will move by itself' : ''
    if (observes) logger.log.warn(`pool ${pool} only observes (failover.mode: observe): it protects nobody yet`)
    const text = `pool ${pool} starts with ${decision.to ?? 'nobody'} active: ${decision.reason}${observes}`
    notices.publish({ type: 'started', at: clock.now(), pool, epoch, to: decision.to, text })
  }
}
