/** One pool as its traffic sees it: where to send, where to wait, whom to tell. `PoolRuntime` is one. */
import type { Doubt } from '../core/doubt.ts'
import type { Route } from '../core/route.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolCounters } from './counters.ts'
import type { FailbackTrial } from './failback-trial.ts'
import type { Hold } from './hold.ts'
import type { UpstreamLedger } from './ledger.ts'

export interface TrafficPool {
  readonly name: string
  /** Frozen, and replaced as a whole. */
  readonly route: Route
  readonly hold: Hold
  readonly counters: PoolCounters
  readonly trial: FailbackTrial
  /** How far the active is in doubt, as of the last look. */
  readonly doubt: Doubt
  /** The same as of now: for requests that a stopped upstream would swallow. */
  doubtAt(now: Millis): Doubt
  ledger(id: UpstreamId): UpstreamLedger
}
