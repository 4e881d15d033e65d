// A fault scenario: what happens to a pair in the middle of a steady load. One file a scenario; the registry lists them.
import type { RunningContender } from '../contenders/contender.ts'
import type { LoadShape } from '../load/plan.ts'
import type { Row } from '../load/row.ts'
import type { OriginProcess } from '../origin/origin-process.ts'

export type Stage = {
  readonly primary: OriginProcess
  readonly standby: OriginProcess
  readonly contender: RunningContender
}

/** Does something and resolves with the monotonic moment from which it was in force. */
export type Act = (stage: Stage) => Promise<number> | number

export type Scenario = {
  readonly name: string
  /** One sentence for the reader of the table. */
  readonly summary: string
  readonly fault: Act
  /** Happens later in the run, at RECOVERY_SHARE (trial.ts) of the time that is left after the fault. */
  readonly recovery?: Act
  readonly load?: Partial<LoadShape>
  readonly needsSwitchoverApi?: boolean
  /** Errors that are the application's right answer and must not count as failures. */
  readonly tolerates?: (row: Row) => boolean
}
