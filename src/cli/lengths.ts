/** Lengths of time in a column of figures: short, and never shorter than they are. */
const SECOND = 1_000
const MINUTE = 60 * SECOND

export function shortTime(ms: number): string {
  if (ms < SECOND) return `${Math.ceil(ms)} ms`
  if (ms < 2 * MINUTE) return `${Math.ceil(ms / 100) / 10} s`
  return `${Math.ceil((ms / MINUTE) * 10) / 10} min`
}
