/** What the last decision of a pool rested on: found among the notices, in the journal if need be, and shown as plain data. */
import type { NoticeType } from '../core/events.ts'
import type { Grounds } from '../core/grounds.ts'
import type { PoolState } from '../core/pool.ts'
import type { Millis } from '../core/time.ts'
import { isoTime } from '../runtime/clock.ts'
import type { NumberedNotice } from '../runtime/notices.ts'
import type { AdminOptions } from './options.ts'
import { span, tenths } from './words.ts'

export type GroundsView = Readonly<{
  type: string
  at: string
  ago: string
  text: string
  by: string
  rule: string | null
  figures: Grounds['figures']
  upstreams: readonly Readonly<{
    name: string
    inFlight: number
    probes: readonly Readonly<{ at: string; verdict: string; detail: string; latency: number }>[]
    failedAttempts: readonly Readonly<{ at: string; request: string; what: string; latency: number | null }>[]
  }>[]
}>

/** Each of them is one assignment of the active: one epoch. */
const DECISIONS: readonly NoticeType[] = ['failover', 'switchover', 'failback', 'recovered', 'unavailable']
/** What an operator will ask about next, when it came after the decision. */
const TROUBLE: readonly NoticeType[] = ['conviction-withheld', 'switch-failed']

/** Why the active is the active, as it was told at the time. Null: since its first start nothing has happened. */
export async function findDecision(
  { notices, recall }: Pick<AdminOptions, 'notices' | 'recall'>,
  { pool, epoch, decision }: PoolState,
): Promise<NumberedNotice | null> {
  if (decision.cause === 'start') return null
  const matches = (notice: NumberedNotice): boolean =>
    notice.pool === pool && notice.epoch === epoch && DECISIONS.includes(notice.type)
  return notices.since(0, pool).findLast(matches) ?? (await recall(matches))
}

export function findTrouble(
  { notices }: Pick<AdminOptions, 'notices'>,
  { pool, epoch }: PoolState,
): NumberedNotice | null {
  return notices.since(0, pool).findLast((notice) => notice.epoch === epoch && TROUBLE.includes(notice.type)) ?? null
}

export function groundsView(notice: NumberedNotice, now: Millis): GroundsView {
  const { type, at, text, by = 'understudy', rule = null, evidence } = notice
  return {
    type,
    at: isoTime(at),
    ago: span(at, now),
    text,
    by,
    rule: evidence?.rule ?? rule,
    figures: evidence?.figures ?? {},
    upstreams: (evidence?.upstreams ?? []).map(({ upstream, inFlight, probes, failedAttempts }) => ({
      name: upstream,
      inFlight,
      probes: probes.map(({ at: sentAt, verdict, detail, latency }) => ({
        at: isoTime(sentAt),
        verdict,
        detail,
        latency: tenths(latency),
      })),
      failedAttempts: failedAttempts.map(({ at: failedAt, routeClass, what, latency }) => ({
        at: isoTime(failedAt),
        request: routeClass,
        what,
        latency: latency === null ? null : tenths(latency),
      })),
    })),
  }
}
