// From what the clients saw (rows) and what the origins did (execution logs) to the figures of one trial. Pure.
import type { Execution } from '../origin/execution-log.ts'
import type { Row } from './row.ts'
import { BUCKET_MS, switchesSeen } from './switches.ts'

export type Evidence = {
  readonly rows: readonly Row[]
  readonly executions: readonly Execution[]
  /** When the fault was in force; in a trial without a fault, when it would have been. */
  readonly faultAt: number
  /** Name of the origin that should take over. */
  readonly standby: string
  /** When the second act of the scenario was in force; null when it has none. */
  readonly recoveryAt?: number | null
  /** When the contender moved its traffic, by its own account; null when it keeps none. */
  readonly switches?: readonly number[] | null
}

export type Latency = { readonly p50: number; readonly p99: number; readonly max: number }

export type Verdict = {
  readonly requests: number
  readonly ok: number
  readonly failedGet: number
  readonly failedPost: number
  /** Error answers that are the application's own and expected by the scenario. Not failures, and apart from them. */
  readonly tolerated: number
  /** Failed POSTs that the fault does not excuse: no origin had received them and they were not in flight when it struck. */
  readonly unexcusedFailedPost: number
  /** POSTs executed more than once, by whichever origins. Must be 0. */
  readonly duplicatePost: number
  /** GETs executed more than once: the price of replaying, harmless. */
  readonly duplicateGet: number
  /** Answered with success although no origin executed them. Must be 0. */
  readonly acknowledgedNotExecuted: number
  /** Executed, but the client was told of failure. At a crash that is unavoidable for POST. */
  readonly executedButFailed: number
  /** Success answers that belong to another request or whose body checksum is wrong. Must be 0. */
  readonly wrongAnswers: number
  /** Requests that were never sent, see connection.ts. Neither failed nor answered. */
  readonly keepaliveRaces: number
  readonly longestGapMs: number
  /** From the fault to the end of the first good answer by the standby; null if it never answered. */
  readonly standbyAfterMs: number | null
  /** How often the traffic moved: by the contender's own account or, where it keeps none, as the clients saw it. */
  readonly switches: number
  /** The same as the clients saw it, see switches.ts: also what was only sent elsewhere for a while. */
  readonly switchesSeen: number
  /** From the fault to the first switch; null if there was none. */
  readonly switchedAfterMs: number | null
  /** From the second act of the scenario to the end of the next good answer; null without either. */
  readonly recoveredAfterMs: number | null
  /** The longest that a client waited for a GET which is not one of the honest slow ones, in vain or not. */
  readonly worstGetMs: number
  /**
   * Of good answers to ordinary requests, from the moment they were due, without the time the application itself takes.
   * The honest slow requests are left out: replayed ones rightly take their time twice.
   */
  readonly latency: Latency
  readonly failuresByError: Readonly<Record<string, number>>
  /** How late the generator itself sent, at worst: above ~20 ms the machine was too busy for the figures to mean much. */
  readonly generatorLateMs: number
}

// A request that starts within this time after the fault can still have met a connection whose end the proxy could not know.
const EXCUSE_MS = 50
// The gap in which the fault lies may have begun just before it.
const BEFORE_FAULT_MS = 50

const isOk = (row: Row): boolean => row.error === null && !row.tolerated
const isAcknowledged = (row: Row): boolean => isOk(row) && row.status < 300
const isFailed = (row: Row): boolean => row.error !== null && row.error !== 'keepalive-race'
const lastDue = (rows: readonly Row[]): number => Math.max(...rows.map((row) => row.due))
const count = <T>(items: readonly T[], matches: (item: T) => boolean): number => items.filter(matches).length

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

export const latencyOf = (rows: readonly Row[]): Latency => {
  const times = rows
    .filter((row) => isOk(row) && !row.slow)
    .map((row) => Math.max(0, row.end - row.due - row.thinkMs))
    .sort((a, b) => a - b)
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: times.at(-1) ?? 0 }
}

/** Longest time without a good answer, from just before the fault to the last request that was due. */
export const longestGap = (rows: readonly Row[], faultAt: number): number => {
  const from = faultAt - BEFORE_FAULT_MS
  const until = lastDue(rows)
  const ends = rows
    .filter(isOk)
    .map((row) => row.end)
    .sort((a, b) => a - b)
  const inside = ends.filter((end) => end >= from && end <= until)
  // The silence at either edge counts: answers may have stopped before `from`, or never come back.
  const first = ends.findLast((end) => end < from) ?? from
  const moments = [first, ...inside, until]
  return moments.reduce((longest, moment, i) => Math.max(longest, moment - (moments[i - 1] ?? moment)), 0)
}

export const standbyAfter = (rows: readonly Row[], faultAt: number, standby: string): number | null =>
  firstGoodEnd(
    rows.filter((row) => row.origin === standby),
    faultAt,
  )

const executionsById = (executions: readonly Execution[]): Map<string, Execution[]> => {
  const byId = new Map<string, Execution[]>()
  for (const execution of executions) byId.set(execution.id, [...(byId.get(execution.id) ?? []), execution])
  return byId
}

/** Whether the fault, rather than the proxy, cost this request. */
const isExcused = (row: Row, faultAt: number, received: ReadonlyMap<string, unknown>): boolean =>
  received.has(row.id) || (row.start <= faultAt + EXCUSE_MS && row.end >= faultAt)

const firstGoodEnd = (rows: readonly Row[], from: number): number | null => {
  const ends = rows.filter((row) => isOk(row) && row.end >= from).map((row) => row.end)
  return ends.length === 0 ? null : Math.min(...ends) - from
}

const worstGet = (rows: readonly Row[]): number =>
  rows
    .filter((row) => row.method === 'GET' && !row.slow && !row.tolerated && row.error !== 'keepalive-race')
    .reduce((worst, row) => Math.max(worst, row.end - row.due), 0)

const movements = ({ rows, faultAt, switches }: Evidence) => {
  const seen = switchesSeen(rows)
  // What a proxy does when its traffic has ended is no concern of the clients.
  const until = lastDue(rows)
  const told = switches?.filter((at) => at <= until) ?? seen
  const first = told.find((at) => at >= faultAt - BUCKET_MS)
  return {
    switches: told.length,
    switchesSeen: seen.length,
    switchedAfterMs: first === undefined ? null : Math.max(0, first - faultAt),
  }
}

const countByError = (rows: readonly Row[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const row of rows.filter((each) => each.error !== null)) {
    const name = row.error === 'status' ? `status ${row.status}` : String(row.error)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

export const judge = (evidence: Evidence): Verdict => {
  const { rows, executions, faultAt, standby, recoveryAt = null } = evidence
  const received = executionsById(executions)
  const executed = executionsById(executions.filter((execution) => execution.kind === 'executed'))
  const repeated = [...executed.values()].filter((times) => times.length > 1)
  const failedPosts = rows.filter((row) => isFailed(row) && row.method === 'POST')
  return {
    requests: rows.length,
    ok: count(rows, isOk),
    failedGet: count(rows, (row) => isFailed(row) && row.method !== 'POST'),
    failedPost: failedPosts.length,
    tolerated: count(rows, (row) => row.tolerated === true),
    unexcusedFailedPost: count(failedPosts, (row) => !isExcused(row, faultAt, received)),
    duplicatePost: count(repeated, (times) => times[0]?.method === 'POST'),
    duplicateGet: count(repeated, (times) => times[0]?.method !== 'POST'),
    acknowledgedNotExecuted: count(rows, (row) => isAcknowledged(row) && !executed.has(row.id)),
    executedButFailed: count(rows, (row) => isFailed(row) && executed.has(row.id)),
    wrongAnswers: count(rows, (row) => row.error === 'wrong-answer'),
    keepaliveRaces: count(rows, (row) => row.error === 'keepalive-race'),
    longestGapMs: longestGap(rows, faultAt),
    standbyAfterMs: standbyAfter(rows, faultAt, standby),
    ...movements(evidence),
    recoveredAfterMs: recoveryAt === null ? null : firstGoodEnd(rows, recoveryAt),
    worstGetMs: worstGet(rows),
    latency: latencyOf(rows),
    failuresByError: countByError(rows),
    generatorLateMs: Math.max(0, ...rows.map((row) => row.start - row.due)),
  }
}
