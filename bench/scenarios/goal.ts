// What a scenario ought to cost at most: the figures that we hold ourselves to, as data. Absent means that it does not matter
// here. What must never happen (a POST executed twice, an acknowledgement of nothing, a wrong answer) needs no saying.

export type Goal = {
  readonly failedGet?: number
  readonly failedPost?: number
  readonly gapMs?: number
  /** Gap beyond that of the same contender without a fault. */
  readonly gapOverQuietMs?: number
  readonly worstGetMs?: number
  readonly switches?: { readonly least: number; readonly most: number }
  readonly switchedAfterMs?: number
  /** First good answer after the scenario's second act. */
  readonly recoveredAfterMs?: number
}

const NO_SWITCH = { least: 0, most: 0 } as const

/** Nobody notices, and nothing moves. */
export const UNMOVED: Goal = { failedGet: 0, failedPost: 0, switches: NO_SWITCH }
