// Whether ours has met what its scenarios ask for, trial by trial: one miss is a miss. Pure.
import type { Goal } from '../scenarios/goal.ts'
import type { FaultResults, FaultTrial, RecordedVerdict } from './results.ts'
import { median } from './statistics.ts'
import { NOTHING, type Table } from './table.ts'

const OURS = 'understudy'
const QUIET = 'no-fault'

type Criterion = {
  /** As the reader of the goal sees it; null when the goal does not ask for it. */
  readonly asks: (goal: Goal) => string | null
  /** By how much a trial has missed it, in words and as a figure to find the worst by; null when it has not. */
  readonly misses: (goal: Goal, verdict: RecordedVerdict, quietGapMs: number | null) => Miss | null
}

type Miss = { readonly what: string; readonly size: number }

const ms = (value: number): string => `${value.toFixed(0)} ms`

const atMost = (
  what: string,
  limitOf: (goal: Goal, quietGapMs: number | null) => number | undefined,
  figureIn: (verdict: RecordedVerdict) => number | null | undefined,
  show: (value: number, verdict?: RecordedVerdict) => string = String,
): Criterion => ({
  asks: (goal) => {
    const limit = limitOf(goal, null)
    return limit === undefined ? null : limit === 0 ? `0 ${what}` : `${what} ≤ ${show(limit)}`
  },
  misses: (goal, verdict, quietGapMs) => {
    const limit = limitOf(goal, quietGapMs)
    if (limit === undefined) return null
    const value = figureIn(verdict)
    // What did not happen at all was not in time.
    if (typeof value !== 'number') return { what: `${what} never`, size: Number.POSITIVE_INFINITY }
    return value > limit ? { what: `${what} ${show(value, verdict)}`, size: value } : null
  },
})

/** The others had reached an origin, or were under way at the fault: to send them again is to risk executing them twice. */
const withUnexcused = (failed: number, verdict?: RecordedVerdict): string =>
  verdict ? `${failed} (${verdict.unexcusedFailedPost} unexcused)` : String(failed)

const never = (what: string, figureIn: (verdict: RecordedVerdict) => number): Criterion => ({
  ...atMost(what, () => 0, figureIn),
  asks: () => null,
})

const overQuiet = ({ gapOverQuietMs }: Goal, quietGapMs: number | null): number | undefined =>
  gapOverQuietMs === undefined || quietGapMs === null ? undefined : quietGapMs + gapOverQuietMs

const switchesWanted = ({ least, most }: NonNullable<Goal['switches']>): string => {
  if (most === 0) return 'no switch'
  return least === most ? `${most} switches` : `${least}–${most} switches`
}

const criteria: readonly Criterion[] = [
  atMost(
    'GET',
    ({ failedGet }) => failedGet,
    (verdict) => verdict.failedGet,
  ),
  atMost(
    'POST',
    ({ failedPost }) => failedPost,
    (verdict) => verdict.failedPost,
    withUnexcused,
  ),
  atMost(
    'gap',
    ({ gapMs }) => gapMs,
    (verdict) => verdict.longestGapMs,
    ms,
  ),
  {
    ...atMost('gap', overQuiet, (verdict) => verdict.longestGapMs, ms),
    asks: ({ gapOverQuietMs }) => (gapOverQuietMs === undefined ? null : `gap ≤ ${QUIET} + ${ms(gapOverQuietMs)}`),
  },
  atMost(
    'worst GET',
    ({ worstGetMs }) => worstGetMs,
    (verdict) => verdict.worstGetMs,
    ms,
  ),
  atMost(
    'switched',
    ({ switchedAfterMs }) => switchedAfterMs,
    (verdict) => verdict.switchedAfterMs,
    ms,
  ),
  atMost(
    'back',
    ({ recoveredAfterMs }) => recoveredAfterMs,
    (verdict) => verdict.recoveredAfterMs,
    ms,
  ),
  {
    asks: ({ switches }) => (switches ? switchesWanted(switches) : null),
    misses: ({ switches: wanted }, { switches = 0 }) =>
      wanted && (switches < wanted.least || switches > wanted.most)
        ? { what: `${switches} switch(es)`, size: switches }
        : null,
  },
  never('POST twice', (verdict) => verdict.duplicatePost),
  never('lost acks', (verdict) => verdict.acknowledgedNotExecuted),
  never('wrong', (verdict) => verdict.wrongAnswers),
]

export const goalText = (goal: Goal): string =>
  criteria
    .map(({ asks }) => asks(goal))
    .filter((asked) => asked !== null)
    .join(', ')

/** What was missed in a trial, by criterion; empty when its goal is met. */
const missesOf = (goal: Goal, { verdict }: FaultTrial, quietGapMs: number | null): (Miss | null)[] =>
  verdict === undefined
    ? [{ what: 'could not run', size: Number.POSITIVE_INFINITY }]
    : criteria.map(({ misses }) => misses(goal, verdict, quietGapMs))

const worstOf = (misses: readonly (Miss | null)[]): Miss | null =>
  misses.reduce((worst, miss) => (miss && (!worst || miss.size > worst.size) ? miss : worst), null)

const oursIn = (results: FaultResults, scenario: string): FaultTrial[] =>
  results.trials.filter((trial) => trial.scenario === scenario && trial.contender === OURS)

const quietGap = (results: FaultResults): number | null => {
  const gaps = oursIn(results, QUIET).flatMap(({ verdict }) => (verdict ? [verdict.longestGapMs] : []))
  return gaps.length === 0 ? null : median(gaps)
}

const goalRow = (name: string, goal: Goal, trials: readonly FaultTrial[], quietGapMs: number | null): string[] => {
  const missed = trials.map((trial) => missesOf(goal, trial, quietGapMs))
  const met = missed.filter((misses) => misses.every((miss) => miss === null)).length
  const worst = Array.from({ length: criteria.length }, (_, i) => worstOf(missed.map((misses) => misses[i] ?? null)))
  const told = worst.filter((miss) => miss !== null).map(({ what }) => what)
  const verdict = met === trials.length ? 'met' : 'not met'
  return [name, goalText(goal), verdict, `${met} of ${trials.length}`, told.join(', ') || NOTHING]
}

/** Without rows where ours took no part, or the file is from a time without goals. */
export const goalTable = (results: FaultResults): Table => {
  const quietGapMs = quietGap(results)
  const rows = results.scenarios.flatMap(({ name, goal }) => {
    const trials = oursIn(results, name)
    return goal === undefined || trials.length === 0 ? [] : [goalRow(name, goal, trials, quietGapMs)]
  })
  return { head: ['scenario', 'goal', OURS, 'trials', 'at worst'], rows }
}
