/** Seeded randomness: the same seed gives the same simulated days, request for request. */
import { type Random, seededRandom } from '../../bench/load/random.ts'

export type { Random }
export { seededRandom }

/** One length of time, ms. */
export type Draw = (random: Random) => number

export const uniform =
  (from: number, to: number): Draw =>
  (random) =>
    from + (to - from) * random()

/** As waiting for something that happens by chance. */
export const exponential =
  (mean: number): Draw =>
  (random) =>
    -mean * Math.log(1 - random())

/** As most handlers take. `sigma`: 0.6 makes the p99 four times the median, 0.9 eight times. */
export const lognormal =
  (median: number, sigma: number): Draw =>
  (random) =>
    median * Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))

/** A heavy tail: with an `alpha` of 1.2 one in a thousand is 300 times the shortest. */
export const pareto =
  (shortest: number, alpha: number, longest: number): Draw =>
  (random) =>
    Math.min(longest, shortest / (1 - random()) ** (1 / alpha))
