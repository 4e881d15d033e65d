// When the traffic moved from one origin to another, as its clients saw it: told from who answered, for proxies that keep no
// account of their own. Pure.
import type { Row } from './row.ts'

/** How exact the moments are. */
export const BUCKET_MS = 100
// A few answers from elsewhere are replays, or requests that were under way.
const FEWEST_ANSWERS = 5

type Leader = { readonly at: number; readonly origin: string }

const countByOrigin = (rows: readonly Row[]): [string, number][] => {
  const counts = new Map<string, number>()
  for (const { origin } of rows) if (origin !== null) counts.set(origin, (counts.get(origin) ?? 0) + 1)
  return [...counts]
}

/** Who answered most of what began in this time; null when too few did, or two as many. */
const leaderOf = (rows: readonly Row[]): Leader | null => {
  const [first, second] = countByOrigin(rows).sort(([, a], [, b]) => b - a)
  if (!first || first[1] < FEWEST_ANSWERS || first[1] === second?.[1]) return null
  const [origin] = first
  return { origin, at: Math.min(...rows.filter((row) => row.origin === origin).map(({ start }) => start)) }
}

/** The moments at which the majority of a tenth of a second changed. By when requests began: answers overlap. */
export const switchesSeen = (rows: readonly Row[]): number[] => {
  // The slow ones began long before their answer: replayed, they would date a switch back.
  const answered = rows.filter((row) => row.error === null && row.origin !== null && !row.slow)
  const buckets = Map.groupBy(answered, ({ start }) => Math.floor(start / BUCKET_MS))
  const leaders = [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([, some]) => leaderOf(some))
    .filter((leader) => leader !== null)
  return leaders.filter(({ origin }, i) => i > 0 && leaders[i - 1]?.origin !== origin).map(({ at }) => at)
}
