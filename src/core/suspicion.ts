/**
 * Rule R3, the hang: suspicion is free, conviction is expensive. Silence makes a suspect; probes on fresh sockets and a
 * control probe to the standby decide. This is the simple form, silence alone; a statistical model of answer times would
 * take the place of `suspect` and leave the steps after it as they are.
 */
import type { Millis } from './time.ts'

/** `confirm`: probe the suspect on a fresh socket and a standby as control. `convict`: the evidence is complete. */
export type SuspicionStep = 'none' | 'confirm' | 'confirm-again' | 'refuted' | 'convict'

/** Shares of `hangAfter` (default 400 ms): suspect after 150 ms of silence, ask again 50 ms later, convict at 400 ms. */
const SUSPECT_AT = 0.375
const ASK_AGAIN_AT = 0.5

export class Suspicion {
  private readonly hangAfter: number
  private suspectSince: Millis | null = null
  private askedAgain = false
  private controlAnswered = false

  constructor(hangAfter: number) {
    this.hangAfter = hangAfter
  }

  get suspected(): boolean {
    return this.suspectSince !== null
  }

  /** A standby answered a probe that was sent at `sentAt`: the network, and we ourselves, are in order. */
  controlPassed(sentAt: Millis): void {
    if (this.suspectSince !== null && sentAt >= this.suspectSince) this.controlAnswered = true
  }

  /** `silentSince` is null when no answer is due. */
  check(silentSince: Millis | null, lastByteAt: Millis, now: Millis): SuspicionStep {
    const silence = silentSince === null ? 0 : now - silentSince
    if (this.suspectSince === null) {
      if (silence < this.hangAfter * SUSPECT_AT) return 'none'
      this.suspectSince = now
      return 'confirm'
    }
    // One byte from anywhere refutes.
    if (lastByteAt > this.suspectSince) {
      this.reset()
      return 'refuted'
    }
    const suspected = now - this.suspectSince
    if (!this.askedAgain && suspected >= this.hangAfter * (ASK_AGAIN_AT - SUSPECT_AT)) {
      this.askedAgain = true
      return 'confirm-again'
    }
    const due = suspected >= this.hangAfter * (1 - SUSPECT_AT)
    return due && this.askedAgain && this.controlAnswered ? 'convict' : 'none'
  }

  reset(): void {
    this.suspectSince = null
    this.askedAgain = false
    this.controlAnswered = false
  }
}
