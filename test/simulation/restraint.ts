/** The cases in which Understudy must not switch: what goes on in each, and how often requests come. */
import { brokenPath, heavyTails, type Load, longPolls, type Mix, shop, slowEndpoint, withFailures } from './load.ts'
import type { Pair } from './pair.ts'
import { exponential, uniform } from './randomness.ts'

export type RestraintCase = Readonly<{
  name: string
  mix: Mix
  /** Requests a second; the first one is simulated longest. */
  rates: readonly [number, ...number[]]
  bursts?: Load['bursts']
  /** Begins anew so often, ms. */
  restarts?: number
  disturb?(pair: Pair): void
}>

const SECOND = 1_000
const MINUTE = 60_000
const ALL = [5, 0, 20, 100, 1_000] as const
const UNDER_LOAD = [5, 20, 100, 1_000] as const

const twoClasses: Mix = shop
  .filter(([, { target }]) => target === '/items' || target === '/orders')
  .map(([, kind]) => [0.5, kind])

/** Again and again, each time after that many ms. */
function repeat(pair: Pair, gap: () => number, what: () => void): void {
  pair.clock.arrive(gap(), () => {
    what()
    repeat(pair, gap, what)
  })
}

/** Not while another one lasts: one collection at a time. */
function pause({ blue: { origin }, clock }: Pair, length: number): void {
  if (clock.now() >= origin.pausedUntil) origin.pausedUntil = clock.now() + length
}

function shortPauses(pair: Pair): void {
  const length = uniform(100, 350)
  repeat(
    pair,
    () => SECOND,
    () => pause(pair, length(pair.random)),
  )
}

/** As a heap fills: each minute or so, between two short ones, a pause that is a tenth longer than the last, up to 1 s. */
function growingPauses(pair: Pair): void {
  let longest = 350
  shortPauses(pair)
  const again = (gap: number): void => {
    pair.clock.arrive(gap, () => {
      longest = Math.min(SECOND, 1.1 * longest)
      pause(pair, uniform(0.9 * longest, longest)(pair.random))
      again(SECOND * Math.round(uniform(55, 65)(pair.random)))
    })
  }
  again(MINUTE + SECOND / 2)
}

function losePackets(pair: Pair): void {
  pair.blue.origin.loss = 0.01
  pair.green.origin.loss = 0.01
}

/** For 1 s to 30 s nothing comes from either: they stand still, or the network between them and us is down. */
function silenceBoth(pair: Pair): void {
  const lasts = uniform(SECOND, 30 * SECOND)
  repeat(
    pair,
    () => 10 * MINUTE,
    () => {
      const fault = pair.random() < 0.5 ? 'stopped' : 'blackholed'
      for (const { origin } of [pair.blue, pair.green]) origin.fail(fault)
      pair.clock.arrive(lasts(pair.random), () => {
        for (const { origin } of [pair.blue, pair.green]) origin.fail('none')
      })
    },
  )
}

function standStill(pair: Pair): void {
  const gap = exponential(5 * MINUTE)
  repeat(
    pair,
    () => gap(pair.random),
    () => pair.clock.standStill(SECOND),
  )
}

function changePace(pair: Pair): void {
  const { pace } = pair.blue.origin
  repeat(
    pair,
    () => 20 * MINUTE,
    () => pace.set('/items', pace.get('/items') === 3 ? 1 : 3),
  )
}

export const restraintCases: readonly RestraintCase[] = [
  { name: 'nothing is wrong', mix: shop, rates: ALL },
  { name: 'one path always answers 500 (5 % of requests)', mix: brokenPath, rates: UNDER_LOAD },
  { name: 'one endpoint takes 10 s (5 % of requests)', mix: slowEndpoint, rates: UNDER_LOAD },
  { name: 'pauses of 100–350 ms each second', mix: shop, rates: ALL, disturb: shortPauses },
  {
    name: 'the same, and each minute a longer one, growing to 1 s',
    mix: shop,
    rates: [100, 1_000],
    disturb: growingPauses,
  },
  { name: '1 % of all answers are 500', mix: withFailures(0.01), rates: UNDER_LOAD },
  {
    name: 'probes get 503, traffic is fine',
    mix: shop,
    rates: [50, 100, 1_000],
    disturb: (pair) => pair.clock.arrive(MINUTE, () => pair.blue.origin.fail('probe-503s')),
  },
  { name: 'we ourselves stand still for 1 s, every 5 min', mix: shop, rates: ALL, disturb: standStill },
  { name: '1 % of the packets are lost', mix: shop, rates: ALL, disturb: losePackets },
  { name: 'both are silent for 1–30 s, every 10 min', mix: shop, rates: ALL, disturb: silenceBoth },
  { name: 'heavy tails, up to 29 s', mix: heavyTails, rates: UNDER_LOAD },
  { name: 'long polls only, a cold start every 10 min', mix: longPolls, rates: UNDER_LOAD, restarts: 10 * MINUTE },
  {
    name: 'bursts of 10 s after 5 min of silence',
    mix: shop,
    rates: [20, 5, 100, 1_000],
    bursts: { quiet: 5 * MINUTE, busy: 10 * SECOND },
  },
  { name: 'a cold start every 10 min', mix: shop, rates: UNDER_LOAD, restarts: 10 * MINUTE },
  {
    name: 'one of two classes three times as slow, every other 20 min',
    mix: twoClasses,
    rates: UNDER_LOAD,
    disturb: changePace,
  },
]
