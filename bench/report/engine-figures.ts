// One figure of one contender under one load: the median of its rounds. Pure.
import type { EngineGoal, EngineMeasure } from '../engine/goals.ts'
import type { EngineRound, WorkloadResult } from '../engine/measure.ts'
import { median } from './statistics.ts'

export const OURS = 'understudy'

type Pick = (round: EngineRound) => number | null

export const memoryPerUnit: Pick = ({ memoryMiB, amount }) =>
  memoryMiB ? ((memoryMiB.peak - memoryMiB.before) * 1_024) / amount : null

/** `cpu` in seconds, `p50` and `p99` in ms, `memory` in KiB, `peak` in MiB. */
export const picks: Readonly<Record<EngineMeasure, Pick>> = {
  cpu: ({ cpuSeconds, amount }) => (cpuSeconds === null ? null : cpuSeconds / amount),
  rate: ({ amount, seconds }) => amount / seconds,
  p50: ({ p50Ms }) => p50Ms,
  p99: ({ p99Ms }) => p99Ms,
  memory: memoryPerUnit,
  peak: ({ memoryMiB }) => memoryMiB?.peak ?? null,
}

export const medianOf = (rounds: readonly EngineRound[], pick: Pick): number | null => {
  const values = rounds.map(pick).filter((value) => value !== null)
  return values.length === 0 ? null : median(values)
}

type Wanted = { readonly load: string; readonly contender: string; readonly measure: EngineMeasure }

export const figureOf = (workloads: readonly WorkloadResult[], { load, contender, measure }: Wanted): number | null => {
  const result = workloads.find(({ name }) => name === load)?.results.find((each) => each.contender === contender)
  return result ? medianOf(result.rounds, picks[measure]) : null
}

export type GoalVerdict = { readonly goal: EngineGoal; readonly reached: number; readonly met: boolean }

/** Null where somebody's figure is missing. `reached` is what the bound is for: a ratio, a difference, or the figure itself. */
export const judgeGoal = (workloads: readonly WorkloadResult[], goal: EngineGoal): GoalVerdict | null => {
  const { load, measure, of = OURS, beside, besideLoad, atMost, atLeast, atMostMore } = goal
  const ours = figureOf(workloads, { load, contender: of, measure })
  if (ours === null) return null
  const compared = beside !== undefined || besideLoad !== undefined
  const other = compared ? figureOf(workloads, { load: besideLoad ?? load, contender: beside ?? of, measure }) : 1
  if (other === null) return null
  const reached = atMostMore === undefined ? ours / other : ours - other
  const high = atMostMore ?? atMost ?? Number.POSITIVE_INFINITY
  return { goal, reached, met: reached <= high && reached >= (atLeast ?? Number.NEGATIVE_INFINITY) }
}
