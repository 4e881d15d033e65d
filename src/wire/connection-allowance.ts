/**
 * How many connections to one upstream may be open at a time: whoever opens one takes a place first, and gives it back
 * once the connection is closed. Several threads may share one limit.
 */
import type { Allowance } from '../core/allowance.ts'
import { OwnAllowance } from '../core/allowance.ts'

export interface ConnectionAllowance {
  /** Null: any number. */
  readonly max: number | null
  /** A place for one more connection. False: all are taken. */
  take(): boolean
  giveBack(): void
  /** `onFree` is called whenever a place may be free again, whoever gave it back. There is one listener. */
  listen(onFree: () => void): void
  /** Other threads have found no place: connections that nobody uses are to make way. */
  readonly wantedElsewhere: boolean
  /** This thread has more than its share besides: its next idle connection is to make way. */
  readonly owed: boolean
}

export const UNLIMITED: ConnectionAllowance = {
  max: null,
  take: () => true,
  giveBack: () => {},
  listen: () => {},
  wantedElsewhere: false,
  owed: false,
}

/** A limit that nobody else shares. */
export class LocalAllowance implements ConnectionAllowance {
  readonly max: number
  readonly wantedElsewhere = false
  readonly owed = false
  private readonly places: Allowance
  private onFree: () => void = () => {}

  constructor(max: number) {
    this.max = max
    this.places = new OwnAllowance(max)
  }

  take(): boolean {
    return this.places.take(1)
  }

  giveBack(): void {
    this.places.giveBack(1)
    this.onFree()
  }

  listen(onFree: () => void): void {
    this.onFree = onFree
  }
}
