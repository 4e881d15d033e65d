/**
 * What real traffic and probes have shown of one upstream lately, and the rules that turn it into a finding (R1, R2, R4,
 * R6 of the detection rules). Mutable, cheap, one object an upstream; every method takes `now`.
 */
import type { Conviction } from './ejection.ts'
import { ErrorRun } from './error-run.ts'
import type { Failure, FailureKind } from './failure.ts'
import { isGatewayStatus } from './failure.ts'
import { Latencies } from './latencies.ts'
import { Outstanding } from './outstanding.ts'
import { RecentClasses } from './recent-classes.ts'
import type { Millis } from './time.ts'
import { ms } from './time.ts'
import { SlidingCount } from './window.ts'

/** `confirm`: probe it now, on a fresh socket, and once more a moment later. */
export type Finding = Readonly<{ type: 'confirm' }> | Readonly<{ type: 'convict'; conviction: Conviction }>

export type EvidencePolicy = Readonly<{
  /** Consecutive 502/503/504 (or worse) that convict; of 500 three times as many. */
  gatewayErrors: number
  /** Convict below this share of good answers, 0 to 1. */
  successRate: number
}>

const CONFIRM: Finding = { type: 'confirm' }
/** Two signs closer together than this may be one hiccup of the kernel. */
const CRASH_SIGNS_APART = 5
const CRASH_SIGNS_WITHIN = 2_000
const RESETS_WITHIN = 200
export const RESETS_TO_CONFIRM = 3
/** Errors in a row that have a probe sent: it may confirm them. */
const ASK_AFTER = 2
/** Errors in a row that convict once a probe has turned bad since the first of them. */
const CORROBORATED = 3
/** A 500 may be the application's own honest answer, so it takes this many times as many of them in a row. */
export const ERRORS_PER_GATEWAY_ERROR = 3
export const RATE_WINDOW = 1_000
export const RATE_MINIMUM = 20
/** Silences seen before one can be called improbable. */
const SILENCES_KNOWN = 200
const RECENT_WINDOW = 250
export const FINE_WINDOW = 2_000
export const FINE_MINIMUM = 20
/** Any client can make a server answer 421, with a Host it does not know: that must not become a storm of probes. */
const ASKED_EVERY = 1_000

export class Evidence {
  /** Any byte from any of its sockets, data or probe. */
  lastByteAt: Millis
  /** Attempts that wait for their first byte. */
  readonly outstanding = new Outstanding()
  readonly errorRun = new ErrorRun()
  /** How long it usually says nothing while something is outstanding. */
  private readonly silences: Latencies
  private readonly policy: EvidencePolicy
  private readonly good = new SlidingCount(RATE_WINDOW, 10)
  private readonly bad = new SlidingCount(RATE_WINDOW, 10)
  private readonly fine = new SlidingCount(FINE_WINDOW, 10)
  private readonly recent = new SlidingCount(RECENT_WINDOW, 5)
  private readonly resets = new SlidingCount(RESETS_WITHIN, 10)
  /** Since the last good answer: gateway errors and broken answers, and with 500s. */
  private consecutive = 0
  private errorsInARow = 0
  /** What failed lately: one broken path must never convict. */
  private readonly failing = new RecentClasses(RATE_WINDOW)
  /** A connect was turned away. Only an accepted connect takes it back. */
  private refusedAt: Millis | null = null
  /** A probe's connection was closed without an answer. Any byte takes it back. */
  private brokenAt: Millis | null = null
  private askedAt: Millis | null = null
  /** Since when probes have been answered badly, and since when requests have. */
  private redSince: Millis | null = null
  private failingSince: Millis

  constructor(policy: EvidencePolicy, now: Millis) {
    this.policy = policy
    this.lastByteAt = now
    this.failingSince = now
    this.silences = new Latencies(now)
  }

  byte(now: Millis): void {
    const { oldestSince } = this.outstanding
    if (oldestSince !== null) this.silences.add(now - Math.max(oldestSince, this.lastByteAt), now)
    this.byteElsewhere(now)
  }

  /** One that does not end what was silence here: it came to another thread, at `at`. */
  byteElsewhere(at: Millis): void {
    this.lastByteAt = at
    this.brokenAt = null
  }

  /** A silence that is twice as long as all but one in a thousand, ms; null while too little is known. */
  improbableSilence(now: Millis): number | null {
    if (this.silences.weight < SILENCES_KNOWN) return null
    return 2 * Number(this.silences.exceededBy(0.001, now))
  }

  connected(): void {
    this.refusedAt = null
  }

  /** Since when nothing has come although something is due; null when nothing is. */
  silentSince(probePendingSince: Millis | null): Millis | null {
    const due = this.outstanding.oldestSince ?? probePendingSince
    if (due === null) return null
    const first = probePendingSince === null ? due : Math.min(due, probePendingSince)
    return ms(Math.max(first, this.lastByteAt))
  }

  /** The head of an answer: an error is an error at once. */
  answered(status: number, routeClass: string, now: Millis): Finding | null {
    if (status === 421) return this.askWhatItIs(now)
    if (status !== 500 && !isGatewayStatus(status)) return null
    return this.failedAnswer(isGatewayStatus(status), routeClass, `answers ${status}`, now)
  }

  /** The whole answer is here; only now is it a good one. True: it has ended a run of errors. */
  delivered(status: number, sentAt: Millis, now: Millis): boolean {
    // A former primary that turns all away with 421 must not pass for one whose traffic is fine (R7).
    if (status === 500 || status === 421 || isGatewayStatus(status)) return false
    this.consecutive = 0
    this.errorsInARow = 0
    this.good.add(now)
    this.fine.add(now)
    this.recent.add(now)
    return this.errorRun.delivered(sentAt)
  }

  failed(failure: Failure, routeClass: string, now: Millis): Finding | null {
    if (failure.blame !== 'upstream' || failure.kind === 'status') return null
    if (failure.phase === 'connecting') return this.crashSign(failure.kind, now)
    if (failure.connection === 'reused' && failure.phase !== 'held' && failure.phase !== 'streaming') return null
    if (failure.kind !== 'reset' && failure.kind !== 'truncated' && failure.kind !== 'protocol') return null

    const finding = this.failedAnswer(true, routeClass, `answers are ${describe(failure.kind)}`, now)
    if (finding || failure.kind !== 'reset') return finding
    this.resets.add(now)
    return this.resets.sum(now) >= RESETS_TO_CONFIRM ? CONFIRM : null
  }

  /** GOAWAY (RFC 9113 §6.8): for the age of that one connection, or because the server is about to go. */
  sentAway(now: Millis): Finding | null {
    return this.askWhatItIs(now)
  }

  /** A probe always has a fresh socket, so a close without an answer says something. */
  probed(failure: FailureKind | null, now: Millis): Finding | null {
    if (failure === null) {
      this.refusedAt = null
      this.brokenAt = null
      return null
    }
    return this.crashSign(failure, now)
  }

  /** What a probe was answered, if it was. */
  probeAnswered(well: boolean, now: Millis): void {
    if (well) this.redSince = null
    else this.redSince ??= now
  }

  /** Rule R7: enough real requests succeeded in the last two seconds. */
  trafficFine(now: Millis): boolean {
    return this.fine.sum(now) >= FINE_MINIMUM
  }

  /** Good answers in the last quarter of a second. */
  recentlyGood(now: Millis): number {
    return this.recent.sum(now)
  }

  /** We ourselves stood still: what the clock says about others is void. */
  forget(now: Millis): void {
    this.lastByteAt = now
    this.refusedAt = null
    this.brokenAt = null
    this.consecutive = 0
    this.errorsInARow = 0
    this.redSince = null
    this.good.clear()
    this.bad.clear()
    this.failing.clear()
    this.errorRun.clear()
  }

  /** Rule R6: it says that it is not the one to ask (421, RFC 9110 §15.5.20), or no longer. Its probe knows. */
  private askWhatItIs(now: Millis): Finding | null {
    if (this.askedAt !== null && now - this.askedAt < ASKED_EVERY) return null
    this.askedAt = now
    return CONFIRM
  }

  private crashSign(kind: FailureKind, now: Millis): Finding | null {
    const refused = kind === 'refused' || kind === 'unreachable'
    if (!refused && kind !== 'reset' && kind !== 'truncated') return null
    // A crash cuts off what is open before it turns the next one away.
    const first = refused ? (this.refusedAt ?? this.brokenAt) : this.brokenAt
    if (first === null || now - first > CRASH_SIGNS_WITHIN) {
      if (refused) this.refusedAt = now
      else this.brokenAt = now
      return CONFIRM
    }
    // Too close to tell anything new, so that somebody has to ask once more.
    if (now - first < CRASH_SIGNS_APART) return CONFIRM
    const apart = Math.ceil(now - first)
    const sequence = this.refusedAt === null ? `a probe cut off and a connect ${kind}` : `connect ${kind} twice`
    const detail = refused ? `${sequence} within ${apart} ms` : 'accepts connections and closes them'
    return { type: 'convict', conviction: { rule: 'crash', detail, figures: { signsApartMs: apart } } }
  }

  private failedAnswer(gateway: boolean, routeClass: string, detail: string, now: Millis): Finding | null {
    if (gateway && this.consecutive++ === 0) this.failingSince = now
    this.errorsInARow++
    this.bad.add(now)
    this.failing.add(routeClass, now)
    this.errorRun.failed(routeClass, now)
    const { successRate } = this.policy
    const gatewayErrors = this.gatewayErrorsNeeded
    if (this.failing.count(now) < 2) return this.consecutive === gatewayErrors ? CONFIRM : null
    if (
      this.consecutive >= gatewayErrors ||
      this.errorsInARow >= this.policy.gatewayErrors * ERRORS_PER_GATEWAY_ERROR
    ) {
      return this.convictErrors(`${detail}, ${this.errorsInARow} times in a row`, now)
    }
    const bad = this.bad.sum(now)
    const all = bad + this.good.sum(now)
    if (all < RATE_MINIMUM || (all - bad) / all >= successRate) return this.consecutive === ASK_AFTER ? CONFIRM : null
    return this.convictErrors(`${detail}: ${bad} of ${all} failed in the last second`, now)
  }

  private get gatewayErrorsNeeded(): number {
    const corroborated = this.redSince !== null && this.redSince >= this.failingSince
    return corroborated ? Math.min(CORROBORATED, this.policy.gatewayErrors) : this.policy.gatewayErrors
  }

  private convictErrors(detail: string, now: Millis): Finding {
    const figures = {
      inARow: this.errorsInARow,
      failed: this.bad.sum(now),
      good: this.good.sum(now),
      paths: this.failing.count(now),
    }
    return { type: 'convict', conviction: { rule: 'errors', detail, figures } }
  }
}

function describe(kind: FailureKind): string {
  if (kind === 'reset') return 'cut off by a reset'
  return kind === 'truncated' ? 'cut short' : 'not valid HTTP'
}
