/** What the admin API needs from the rest: all of it read when somebody asks, none of it kept. */
import type { Clock } from '../core/time.ts'
import type { Drill } from '../runtime/drill.ts'
import type { Notices, NumberedNotice } from '../runtime/notices.ts'
import type { PoolRuntime } from '../runtime/pool-runtime.ts'

export type ListenerView = Readonly<{
  name: string
  address: string
  port: number | null
  pool: string
  connections: number
  /** Turned away at the door, by reason. */
  refused: Readonly<Record<string, number>>
}>

export type AdminOptions = Readonly<{
  pools: ReadonlyMap<string, PoolRuntime>
  drills: ReadonlyMap<string, Drill>
  notices: Notices
  /** The latest notice of that kind in the journal: from before a restart, too. */
  recall(matches: (notice: NumberedNotice) => boolean): Promise<NumberedNotice | null>
  /** The configuration without its secrets. */
  configView: unknown
  metrics: Readonly<{ contentType: string; text(): Promise<string> }>
  version: string
  clock: Clock
  listeners(): readonly ListenerView[]
  /** Resolves when all figures are of now, those of other threads too. */
  refresh(): Promise<void>
  /** Where an upstream answers, for people; null when that is not known. */
  urlOf(pool: string, upstream: string): string | null
  token: string | null
  /** Names by which the API may be called besides localhost and IP addresses: the host of `admin.listen`. */
  hosts: readonly string[]
  /** Whether traffic can be served: every listener is bound and every pool has an active. */
  ready(): boolean
  /** What went wrong inside, for the log. */
  onError(error: Error): void
}>
