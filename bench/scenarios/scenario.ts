// A fault scenario: what happens to a pair in the middle of a steady load. One file a scenario; the registry lists them.
import type { PairSettings, RunningContender } from '../contenders/contender.ts'
import type { LoadShape } from '../load/plan.ts'
import type { Row } from '../load/row.ts'
import type { LossyNetwork } from '../network/lossy-network.ts'
import type { OriginProcess } from '../origin/origin-process.ts'
import type { Goal } from './goal.ts'

export type Stage = {
  readonly primary: OriginProcess
  readonly standby: OriginProcess
  readonly contender: RunningContender
  /** Between proxy and primary, for scenarios that need it. */
  readonly network: LossyNetwork | null
}

/** Does something and resolves with the monotonic moment from which it was in force. */
export type Act = (stage: Stage) => Promise<number> | number

export type Scenario = {
  readonly name: string
  /** One sentence for the reader of the table. */
  readonly summary: string
  readonly goal: Goal
  readonly fault: Act
  /** Happens later in the run: after `recoverAfterMs`, else at RECOVERY_SHARE (trial.ts) of the time left after the fault. */
  readonly recovery?: Act
  readonly recoverAfterMs?: number
  /**
   * When the load has ended: whoever was held up is let go, so that a request which he still executes, though another one has
   * done so for the client, is found in his log.
   */
  readonly aftermath?: Act
  /** How long the load goes on after the fault, where the usual time is too short. */
  readonly secondsAfterFault?: number
  readonly load?: Partial<LoadShape>
  /** How patient clients are, where the usual time is too short. */
  readonly timeoutMs?: number
  /** What contenders that have such settings are told beyond their usual configuration. */
  readonly settings?: PairSettings
  readonly needsSwitchoverApi?: boolean
  /** Runs only where the bench can make one, see lossy-network.ts. */
  readonly needsNetwork?: boolean
  /** Errors that are the application's right answer and must not count as failures. */
  readonly tolerates?: (row: Row) => boolean
  /** Requests that the application itself makes slow. */
  readonly slows?: (row: Row) => boolean
}
