/** What a worker thread is given at its start, and what all of them share. Plain data, and memory that is shared. */
import { randomBytes } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import type { PoolNews } from '../workers/messages.ts'
import type { Progress } from '../workers/progress.ts'
import type { SharedSum } from '../workers/shared-allowance.ts'
import { forfeit, sharedSum } from '../workers/shared-allowance.ts'
import type { SharedDoubts } from '../workers/shared-doubt.ts'
import { endDoubt, sharedDoubts } from '../workers/shared-doubt.ts'
import type { SharedPlaceCount } from '../workers/shared-places.ts'
import { forfeitPlaces, sharedPlaceCount } from '../workers/shared-places.ts'
import { REPLAY_MEMORY } from './traffic-parts.ts'

export type WorkerStart = Readonly<{
  index: number
  config: Config
  version: string
  news: Readonly<Record<string, PoolNews>>
  shares: WorkerShares
  progress: Progress
  /** The clock of the control thread: what its time and the system's monotonic time differ by, ms. */
  clockOffset: number
  /** Whether a failover is rehearsed before it listens. */
  rehearses: boolean
}>

export type WorkerShares = Readonly<{
  /** How many they are. */
  threads: number
  memory: SharedSum
  /** By pool. */
  pools: Readonly<Record<string, PoolShares>>
  /** By listener. */
  listeners: Readonly<Record<string, Readonly<{ connections: SharedSum; ticketKeys: Uint8Array }>>>
}>

type PoolShares = Readonly<{
  /** Of the hold. */
  requests: SharedSum
  bytes: SharedSum
  doubts: SharedDoubts
  /** By upstream, of those that have a limit. */
  places: Readonly<Record<string, SharedPlaceCount>>
}>

const TICKET_KEY_BYTES = 48

export function sharesFor({ pools, listeners }: Config, threads: number): WorkerShares {
  const sum = (limit: number): SharedSum => sharedSum(limit, threads)
  return {
    threads,
    memory: sum(REPLAY_MEMORY),
    pools: mapped(pools, ({ hold, upstreams }) => ({
      requests: sum(hold.requests),
      bytes: sum(hold.bytes),
      doubts: sharedDoubts(threads),
      places: Object.fromEntries(
        upstreams.flatMap(({ name, maxConnections }) =>
          maxConnections === undefined ? [] : [[name, sharedPlaceCount(maxConnections, threads)]],
        ),
      ),
    })),
    listeners: mapped(listeners, ({ limits }) => ({
      connections: sum(limits.connections),
      // A client that comes back to another worker needs no full handshake there.
      ticketKeys: randomBytes(TICKET_KEY_BYTES),
    })),
  }
}

/** What the worker had taken of it is there again. */
export function giveUpShares({ memory, pools, listeners }: WorkerShares, index: number): void {
  forfeit(memory, index)
  for (const { requests, bytes, doubts, places } of Object.values(pools)) {
    forfeit(requests, index)
    forfeit(bytes, index)
    endDoubt(doubts, index)
    for (const count of Object.values(places)) forfeitPlaces(count, index)
  }
  for (const { connections } of Object.values(listeners)) forfeit(connections, index)
}

const mapped = <From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value)]))
