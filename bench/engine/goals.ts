// What ours is to reach beside a peer, in one run on one machine: the figures that we hold ourselves to, as data.

/** A figure of one contender under one load. `cpu`: per unit. `memory`: KiB per unit beyond what it took before. */
export type EngineMeasure = 'cpu' | 'rate' | 'p50' | 'p99' | 'memory' | 'peak'

export type EngineGoal = {
  readonly load: string
  readonly measure: EngineMeasure
  /** Whose figure it is; ours unless told. */
  readonly of?: string
  /** Whose figure it is compared with, and under which load if not the same; without both the bounds are absolute. */
  readonly beside?: string
  readonly besideLoad?: string
  /** Ours ÷ its. */
  readonly atMost?: number
  readonly atLeast?: number
  /** Ours − its, in the measure's own unit. */
  readonly atMostMore?: number
}
