// One route class takes ten seconds, everything else is fine: a report without an index. Both origins of a pair have it.
import type { Behaviour } from '../behaviour.ts'

export const SLOW_PATH = '/search'
const DELAY_MS = 10_000

export const onePathSlow: Behaviour = {
  leastDelayMs: (request) => (request.path.startsWith(SLOW_PATH) ? DELAY_MS : 0),
}
