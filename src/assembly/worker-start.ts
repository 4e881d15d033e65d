/** What a worker thread is given at its start, and what all of them share. Plain data, and memory that is shared. */
import { randomBytes } from 'node:crypto'
import type { Config } from '../config/schema.ts'
import { TICKET_KEY_BYTES } from '../wire/server-tls.ts'
import type { PoolNews } from '../workers/messages.ts'
import type { Progress } from '../workers/progress.ts'
import type { SharedSum } from '../workers/shared-allowance.ts'
import { sharedSum } from '../workers/shared-allowance.ts'
import type { SharedCells } from '../workers/shared-cells.ts'
import { clearCell, sharedCells } from '../workers/shared-cells.ts'
import type { SharedMoments } from '../workers/shared-hearing.ts'
import { sharedMoments } from '../workers/shared-hearing.ts'
import type { SharedPlaceCount } from '../workers/shared-places.ts'
import { sharedPlaceCount } from '../workers/shared-places.ts'
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
  doubts: SharedCells
  /** By upstream. */
  hearings: Readonly<Record<string, SharedMoments>>
  /** By upstream, of those that have a limit. */
  places: Readonly<Record<string, SharedPlaceCount>>
}>

export function sharesFor({ pools, listeners }: Config, threads: number): WorkerShares {
  const sum = (limit: number): SharedSum => sharedSum(limit, threads)
  return {
    threads,
    memory: sum(REPLAY_MEMORY),
    pools: mapped(pools, ({ hold, upstreams }) => ({
      requests: sum(hold.requests),
      bytes: sum(hold.bytes),
      doubts: sharedCells(threads),
      hearings: Object.fromEntries(upstreams.map(({ name }) => [name, sharedMoments(threads)])),
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
export function giveUpShares(shares: WorkerShares, index: number): void {
  for (const cells of cellsOf(shares)) clearCell(cells, index)
}

const cellsOf = ({ memory, pools, listeners }: WorkerShares): readonly SharedCells[] => [
  memory.cells,
  ...Object.values(listeners).map(({ connections }) => connections.cells),
  ...Object.values(pools).flatMap(({ requests, bytes, doubts, places }) => [
    requests.cells,
    bytes.cells,
    doubts,
    ...Object.values(places).flatMap(({ taken, wanted }) => [taken.cells, wanted]),
  ]),
]

const mapped = <From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value)]))
