/**
 * Rule R3, the hang: suspicion is free, conviction is expensive. An improbable silence makes hesitant, a longer one makes
 * a suspect; probes on fresh sockets and a control probe to the standby decide. One byte from anywhere ends all doubt.
 */
import type { Doubt } from './doubt.ts'
import type { Millis } from './time.ts'

export type HangPolicy = Readonly<{
  /** Silence that convicts, ms. */
  hangAfter: number
  /** Stalls that turned out to be none make it longer for a while. */
  widen: boolean
}>

/** `confirm`: probe the suspect on a fresh socket and a standby as control. `convict`: the evidence is complete. */
export type SuspicionStep = 'none' | 'confirm' | 'confirm-again' | 'convict'

export type Silence = Readonly<{
  /** Since when nothing has come although something is due; null when nothing is. */
  since: Millis | null
  /** How long the oldest probe under way has had no answer, ms; 0 without one. */
  probe: number
  /** How improbable it is that what is outstanding still is. */
  phi: number
}>

/** Shares of `hangAfter` (default 400 ms): suspect after 150 ms of silence, ask again 50 ms later, convict at 400 ms. */
export const SUSPECT_AT = 0.375
const ASK_AGAIN_AT = 0.5
/** And so on: what is held or sent to the standby meanwhile brings no byte, so silence proves nothing unless somebody asks. */
const ASK_EVERY = 0.25
/** Share of `hangAfter` that a standby has answered without the suspect. */
const ALONE_FOR = 0.3
/** Φ from which silence is suspicious: one in ten. */
const SUSPICIOUS = 1
/** A stall half as long again as the longest one that was survived is news. */
const MARGIN = 1.5
export const WIDEST = 5_000
/** A longer silence than this is a fault, whatever comes after it: most requests could not have waited it out. */
const LONGEST_PAUSE = 1_500
const STALL_HALF_LIFE = 600_000

export class Suspicion {
  private readonly policy: HangPolicy
  private level: Doubt = 'none'
  private suspectSince: Millis | null = null
  /** When it is to be asked again, as a time since it became a suspect. */
  private askAt: number
  private askedAgain = false
  /** When a standby first answered a probe that was sent since. */
  private controlledAt: Millis | null = null
  private longestStall = 0
  private stalledAt: Millis | null = null

  constructor(policy: HangPolicy) {
    this.policy = policy
    this.askAt = this.firstAsk
  }

  get doubt(): Doubt {
    return this.level
  }

  /** Silence that makes a suspect, ms. */
  get suspectAfter(): number {
    return this.policy.hangAfter * SUSPECT_AT
  }

  /** Silence that convicts now, ms: longer than configured while longer stalls are remembered. */
  hangAfter(now: Millis): number {
    const { hangAfter, widen } = this.policy
    return widen ? Math.min(WIDEST, Math.max(hangAfter, MARGIN * this.rememberedStall(now))) : hangAfter
  }

  hesitate(): void {
    if (this.level === 'none') this.level = 'hesitant'
  }

  /** A standby answered a probe that was sent at `sentAt`: the network, and we ourselves, are in order. */
  controlPassed(sentAt: Millis, now: Millis): void {
    if (this.suspectSince !== null && sentAt >= this.suspectSince) this.controlledAt ??= now
  }

  check({ since, probe, phi }: Silence, now: Millis): SuspicionStep {
    const silence = since === null ? 0 : now - since
    if (this.suspectSince === null) {
      if (silence < this.suspectAfter || (phi < SUSPICIOUS && probe < this.suspectAfter)) return 'none'
      this.level = 'suspect'
      this.suspectSince = now
      return 'confirm'
    }
    const suspected = now - this.suspectSince
    const due = suspected >= this.hangAfter(now) - this.suspectAfter
    if (due && this.askedAgain && this.standbyAloneAnswers(now)) return 'convict'
    if (suspected < this.askAt) return 'none'
    this.askedAgain = true
    this.askAt = suspected + this.policy.hangAfter * ASK_EVERY
    return 'confirm-again'
  }

  /** A byte, after `silence` ms without one: whatever was suspected is refuted. Returns what the doubt was. */
  heard(silence: number, now: Millis): Doubt {
    const refuted = this.level
    if (refuted === 'suspect') this.remember(silence, now)
    this.reset()
    return refuted
  }

  /** The convicted has spoken again after all. Soon enough, and the verdict teaches as much as a refuted suspicion. */
  provedWrong(silence: number, now: Millis): void {
    if (silence <= LONGEST_PAUSE) this.remember(silence, now)
  }

  /** Longer silences were survived lately than such a one. */
  bears(silence: number, now: Millis): boolean {
    const hangAfter = this.hangAfter(now)
    return hangAfter > this.policy.hangAfter && silence < hangAfter
  }

  reset(): void {
    this.level = 'none'
    this.suspectSince = null
    this.askAt = this.firstAsk
    this.askedAgain = false
    this.controlledAt = null
  }

  private get firstAsk(): number {
    return this.policy.hangAfter * (ASK_AGAIN_AT - SUSPECT_AT)
  }

  /** Both may have been silent, and the network just be back: whoever is asked first would have the other convicted. */
  private standbyAloneAnswers(now: Millis): boolean {
    return this.controlledAt !== null && now - this.controlledAt >= this.policy.hangAfter * ALONE_FOR
  }

  private remember(stall: number, now: Millis): void {
    if (stall <= this.rememberedStall(now)) return
    this.longestStall = stall
    this.stalledAt = now
  }

  private rememberedStall(now: Millis): number {
    return this.stalledAt === null ? 0 : this.longestStall * 0.5 ** ((now - this.stalledAt) / STALL_HALF_LIFE)
  }
}
