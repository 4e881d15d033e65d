/** What clients ask for, and how often. */
import { type Draw, exponential, lognormal, pareto, type Random, uniform } from './randomness.ts'

export type Kind = Readonly<{
  method: 'GET' | 'POST' | 'PUT'
  target: string
  /** How long the application takes, ms. */
  takes: Draw
  /** Share of its answers that are 500 although nothing is wrong with the upstream. */
  failing: number
  routeClass: string
}>

/** With the share of the requests that each has; shares add up to 1. */
export type Mix = readonly (readonly [share: number, kind: Kind])[]

/** `busy`, `quiet`: bursts and silence by turns, ms. */
export type Load = Readonly<{ rate: number; mix: Mix; bursts?: Readonly<{ quiet: number; busy: number }> }>

const kind = (method: Kind['method'], target: string, takes: Draw, failing = 0): Kind => ({
  method,
  target,
  takes,
  failing,
  routeClass: `${method} ${target}`,
})

const items = kind('GET', '/items', lognormal(8, 0.6))
const search = kind('GET', '/search', lognormal(40, 0.9))
const orders = kind('POST', '/orders', lognormal(25, 0.7))
const reports = kind('GET', '/reports', lognormal(2_000, 0.1))

/** A shop: one request in five is unsafe, one in fifty takes 2 s and may. */
export const shop: Mix = [
  [0.6, items],
  [0.18, search],
  [0.2, orders],
  [0.02, reports],
]

export const withFailures = (share: number): Mix => shop.map(([of, each]) => [of, { ...each, failing: share }])

export const brokenPath: Mix = [
  [0.57, items],
  [0.18, search],
  [0.2, orders],
  [0.05, kind('GET', '/broken', lognormal(5, 0.3), 1)],
]

export const slowEndpoint: Mix = [
  [0.57, items],
  [0.18, search],
  [0.2, orders],
  [0.05, kind('GET', '/slow', lognormal(10_000, 0.05))],
]

export const heavyTails: Mix = [
  [0.4, kind('GET', '/items', pareto(4, 1.2, 29_000))],
  [0.2, kind('GET', '/search', lognormal(60, 1.5))],
  [0.2, kind('POST', '/orders', pareto(15, 1.4, 29_000))],
  [0.2, kind('PUT', '/files', lognormal(200, 1.2))],
]

export const longPolls: Mix = [
  [0.5, kind('GET', '/events', uniform(1_000, 29_000))],
  [0.5, kind('GET', '/changes', uniform(24_000, 26_000))],
]

export function pick(mix: Mix, random: Random): Kind {
  let left = random()
  for (const [share, each] of mix) {
    left -= share
    if (left < 0) return each
  }
  return mix[0]![1]
}

/** The time until the next request, ms. Null: there will be none. */
export function nextArrival({ rate, bursts }: Load, now: number, random: Random): number | null {
  if (rate === 0) return null
  const gap = exponential(1_000 / rate)(random)
  if (!bursts) return gap
  const cycle = bursts.quiet + bursts.busy
  const phase = (now + gap) % cycle
  // Whoever would come in the quiet comes when it is over.
  return phase < bursts.busy ? gap : gap + cycle - phase
}
