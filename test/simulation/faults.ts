/** The faults that must be detected, and one trial of each: how long until the rescue, until the switch, and what was lost. */
import { shop } from './load.ts'
import type { Fault } from './origin.ts'
import { Pair } from './pair.ts'

export type FaultCase = Readonly<{ name: string; fault: Fault; rates: readonly number[] }>

const ALL = [0, 5, 20, 100, 1_000] as const
const UNDER_LOAD = [5, 20, 100, 1_000] as const

export const faultCases: readonly FaultCase[] = [
  { name: 'stopped (SIGSTOP)', fault: 'stopped', rates: ALL },
  { name: 'blackholed', fault: 'blackholed', rates: ALL },
  { name: 'killed', fault: 'killed', rates: ALL },
  { name: 'accepts and closes', fault: 'closes', rates: ALL },
  { name: '503 to all, probes too', fault: '503s', rates: ALL },
  { name: '500 to all, probes pass', fault: '500s', rates: UNDER_LOAD },
  { name: 'everything takes 3 s more, probes pass', fault: 'slow', rates: UNDER_LOAD },
  { name: 'every answer truncated, probes pass', fault: 'truncates', rates: UNDER_LOAD },
]

/** Times in ms, from the fault on. Null: not within `PATIENCE`. */
export type Trial = Readonly<{
  detected: number | null
  rescued: number | null
  /** Requests that failed, or have got no answer when all is over. */
  lost: number
  rule: string
}>

const WARM_UP = { shortest: 60_000, requests: 3_000 }
const PATIENCE = 20_000
/** Time for what is under way to come to its end. */
const AFTERMATH = 5_000

export async function tryFault({ fault }: FaultCase, rate: number, seed: number): Promise<Trial> {
  const pair = new Pair({ rate, mix: shop }, seed)
  const { tally, clock } = pair
  pair.start()
  const requests = rate === 0 ? 0 : (1_000 * WARM_UP.requests) / rate
  await pair.run(Math.max(WARM_UP.shortest, requests) + 1_000 * pair.random())
  const before = tally.lost + tally.errors
  const began = clock.now()
  tally.rescuedAt = null
  pair.blue.origin.fail(fault)
  await pair.run(PATIENCE, () => tally.said('failover').length > 0)
  const [failover] = tally.said('failover')
  const { rescuedAt } = tally
  if (failover) await pair.run(AFTERMATH)
  const waiting = [...pair.blue.attempts].filter(
    ({ awaitedSince }) => clock.now() - awaitedSince > AFTERMATH / 2,
  ).length
  pair.stop()
  return {
    detected: failover ? tenths(failover.at - began) : null,
    rescued: rescuedAt === null ? null : tenths(rescuedAt - began),
    lost: tally.lost + tally.errors - before + waiting,
    rule: failover?.rule ?? '',
  }
}

const tenths = (value: number): number => Math.round(10 * value) / 10
