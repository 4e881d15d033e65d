/** What is wrong with a configuration, where, and how it is said. No value of the file is ever repeated: it may be a secret. */

/** From the root of the configuration: keys, and numbers for list items. */
export type Path = readonly (string | number)[]

/** Before its place in a file is known. */
export type Finding = Readonly<{
  path: Path
  message: string
  /** Point at the key (unknown, or not allowed here) instead of at its value. */
  at?: 'key'
}>

/** `line` and `column` count from 1; 0 when there is no text to point into (command line flags, a file that cannot be read). */
export type Problem = Readonly<{ file: string; line: number; column: number; path: string; message: string }>

/** `understudy.yaml:12:7 pools.shop.probe.timeout must be less than …` */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line === 0 ? `${file}:` : `${file}:${line}:${column}`
  return [place, path, message].filter((part) => part !== '').join(' ')
}

const PLAIN_KEY = /^[\w-]+$/

/** `pools.shop.upstreams[1].url`; keys that would be ambiguous in it are quoted. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!PLAIN_KEY.test(step)) return `[${JSON.stringify(step)}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}

export const startsWith = (path: Path, prefix: Path): boolean => prefix.every((step, index) => path[index] === step)

/** Edits needed to turn one word into the other: insert, delete or replace a letter, or swap two neighbours. */
function distance(one: string, other: string): number {
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 0; i < one.length; i += 1) {
    const next = [i + 1]
    for (let j = 0; j < other.length; j += 1) {
      const replaced = (row[j] ?? 0) + (one[i] === other[j] ? 0 : 1)
      const swapped = i > 0 && j > 0 && one[i] === other[j - 1] && one[i - 1] === other[j]
      const swap = swapped ? (before[j - 1] ?? 0) + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(replaced, swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[other.length] ?? 0
}

/** The candidate that was probably meant, or `undefined`: a wild guess is worse than none. Case does not count. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.edits - other.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined
}

export const quoted = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ')
