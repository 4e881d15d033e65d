/** Real traffic, or a confirmed hang, took an upstream out: by which rule, on what evidence, and until when. */
import type { Millis } from './time.ts'
import { ms } from './time.ts'

/** detection.md: crash R1/R2, hang R3, errors R4, gray R5 (its model has its own place: suspicion.ts). */
export type ConvictionRule = 'crash' | 'hang' | 'errors' | 'gray'

/** `figures`: what the rule measured, by name; a name that ends in Ms counts milliseconds. */
export type Conviction = Readonly<{
  rule: ConvictionRule
  detail: string
  figures?: Readonly<Record<string, number>>
}>

/** It still answers, if badly: better than nobody, and no reason to give up what it has begun. */
export const stillAnswers = (rule: ConvictionRule): boolean => rule === 'errors' || rule === 'gray'

export type Ejection = Readonly<{ rule: ConvictionRule; detail: string; since: Millis; until: Millis; strikes: number }>

const DEAD_FOR = 1_000
const ERRORS_FOR = 10_000
const LONGEST = 300_000
/** Convictions further apart than this have nothing to do with each other; those within one ejection are one strike. */
const MEMORY = 600_000

/**
 * A crashed or hung upstream proves its recovery to the probes, so its ejection is short. One that answers probes well
 * and clients badly can only be given time: twice as much at each strike.
 */
export function eject(previous: Ejection | null, conviction: Conviction, now: Millis): Ejection {
  const strikes = previous && now - previous.until < MEMORY ? previous.strikes + (now < previous.until ? 0 : 1) : 1
  const length = stillAnswers(conviction.rule) ? Math.min(LONGEST, ERRORS_FOR * 2 ** (strikes - 1)) : DEAD_FOR
  return { rule: conviction.rule, detail: conviction.detail, since: now, until: ms(now + length), strikes }
}
