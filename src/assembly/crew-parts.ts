/** The workers of a configuration: starts their threads, and shows their listeners as if there were one of each. */
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Config } from '../config/schema.ts'
import { clockOffset } from '../runtime/clock.ts'
import { Crew } from '../workers/crew.ts'
import { newProgress } from '../workers/progress.ts'
import type { Listener } from './listener-parts.ts'
import type { PoolSet } from './pool-set.ts'
import { StartError } from './start-error.ts'
import type { WorkerStart } from './worker-start.ts'
import { giveUpShares, sharesFor } from './worker-start.ts'

/** As this file is: from the sources, or from what a published package has of them. */
const ENTRY = new URL(`./worker-main${extname(import.meta.filename)}`, import.meta.url)

/** Threads that carry traffic; with 1 it is carried in the thread that decides. */
export const crewSize = ({ workers }: Config): number => (workers === 'auto' ? availableParallelism() : workers)

export function buildCrew(
  config: Config,
  { size, rehearses }: Readonly<{ size: number; rehearses: boolean }>,
  pools: PoolSet,
): Crew {
  const { version, clock, logger } = pools.shared
  const shares = sharesFor(config, size)
  return new Crew({
    size,
    runtimes: pools.runtimes,
    clock,
    spawn: (index, news, first) => {
      const progress = newProgress()
      const offset = clockOffset()
      const start: WorkerStart = {
        index,
        config,
        version,
        news,
        shares,
        progress,
        clockOffset: offset,
        rehearses: rehearses && first,
      }
      return { worker: new Worker(ENTRY, { workerData: start, name: `worker ${index + 1}` }), progress }
    },
    onEnded: (index) => giveUpShares(shares, index),
    onLines: logger.pass,
    report: (problem) => {
      logger.log.error(problem)
      logger.flush()
    },
  })
}

/** Rejects with a StartError when an address cannot be had. */
export async function startCrew(crew: Crew): Promise<readonly Listener[]> {
  const bound = await crew.start()
  if (!bound.ok) throw new StartError(bound.message, bound.hint)
  let drained: Promise<void> | null = null
  const drain = (): Promise<void> => {
    drained ??= crew.drain()
    return drained
  }
  return bound.listeners.map(({ name, address, port }) => ({
    name,
    get open() {
      return crew.listener(name).open
    },
    get turnedAway() {
      return crew.listener(name).turnedAway
    },
    listen: async () => ({ address, port }),
    drain,
    kill: () => void crew.kill(),
  }))
}
