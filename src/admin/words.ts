/** How the admin API speaks: lengths of time and lists, as people say them. */
import type { Millis } from '../core/time.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `820 ms`, `3m 12s`, `2d 4h`: the two largest units, no more than that is read. */
export function span(from: number, to: number): string {
  const length = Math.max(0, to - from)
  if (length < SECOND) return `${Math.floor(length)} ms`
  if (length < MINUTE) return `${Math.floor(length / SECOND)}s`
  if (length < HOUR) return `${Math.floor(length / MINUTE)}m ${Math.floor((length % MINUTE) / SECOND)}s`
  if (length < DAY) return `${Math.floor(length / HOUR)}h ${Math.floor((length % HOUR) / MINUTE)}m`
  return `${Math.floor(length / DAY)}d ${Math.floor((length % DAY) / HOUR)}h`
}

/** Time left until `at`, rounded up: "in 0s" would be a promise already broken. */
export const timeLeft = (at: Millis, now: Millis): string =>
  span(0, Math.max(SECOND, Math.ceil((at - now) / SECOND) * SECOND))

export const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

export const sentence = (clause: string): string => {
  const text = clause.trim()
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** Milliseconds without the noise. */
export const tenths = (ms: number): number => Math.round(ms * 10) / 10
