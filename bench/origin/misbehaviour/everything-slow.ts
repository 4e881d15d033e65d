// Every request takes three seconds while the health check stays fast: a gray failure (lock contention, a dying disk).
import type { Behaviour } from '../behaviour.ts'

const DELAY_MS = 3_000

export const everythingSlow: Behaviour = {
  leastDelayMs: () => DELAY_MS,
}
