/** What is simulated, cut into jobs that may run side by side, and what each of them yields. */
import { type FaultCase, faultCases, type Trial, tryFault } from './faults.ts'
import { Pair } from './pair.ts'
import { type RestraintCase, restraintCases } from './restraint.ts'
import { type Lengths, Tally } from './tally.ts'

export type Job = Readonly<{ kind: 'restraint' | 'fault'; index: number; rate: number; amount: number }>

type Counted = Readonly<{ count: number; mean: number | null; longest: number }>

export type RestraintResult = Readonly<{
  name: string
  rate: number
  /** Simulated, ms. */
  time: number
  requests: number
  convictions: readonly string[]
  failovers: Counted
  suspicions: Counted
  hesitations: Counted
  holds: Counted
  hedged: number
  toStandby: number
  lost: number
}>

export type FaultResult = Readonly<{ name: string; rate: number; trials: readonly Trial[] }>
export type Result = Readonly<{ job: Job; restraint: RestraintResult | null; fault: FaultResult | null }>

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SEED = 20_260

/** How much of each: simulated ms by requests a second, and trials of each fault. */
export type Extent = Readonly<{ long: number; other(rate: number): number; trials: number }>

/** `days`: of the case at its main rate, and when idle. */
export const full = (days: number): Extent => ({
  long: days * DAY,
  other: (rate) => (rate === 0 ? days * DAY : rate <= 20 ? DAY : rate <= 100 ? DAY / 4 : HOUR / 3),
  trials: 100,
})

export const QUICK: Extent = {
  long: HOUR,
  other: (rate) => (rate <= 20 ? HOUR / 3 : rate <= 100 ? HOUR / 12 : HOUR / 120),
  trials: 3,
}

export function plan({ long, other, trials }: Extent): readonly Job[] {
  const restraint = restraintCases.flatMap(({ rates }, index) =>
    rates.map(
      (rate, place): Job => ({
        kind: 'restraint',
        index,
        rate,
        amount: place === 0 && rate < 100 ? long : other(rate),
      }),
    ),
  )
  const faults = faultCases.flatMap(({ rates }, index) =>
    rates.map((rate): Job => ({ kind: 'fault', index, rate, amount: trials })),
  )
  return [...restraint, ...faults]
}

export async function runJob(job: Job): Promise<Result> {
  const { kind, index, rate, amount } = job
  if (kind === 'restraint') return { job, fault: null, restraint: await restrain(restraintCases[index]!, rate, amount) }
  return { job, restraint: null, fault: await tryOften(faultCases[index]!, rate, amount) }
}

async function tryOften(fault: FaultCase, rate: number, times: number): Promise<FaultResult> {
  const trials: Trial[] = []
  for (let trial = 0; trial < times; trial++) trials.push(await tryFault(fault, rate, SEED + trial))
  return { name: fault.name, rate, trials }
}

async function restrain(which: RestraintCase, rate: number, time: number): Promise<RestraintResult> {
  const { name, mix, bursts, restarts = time, disturb } = which
  const tally = new Tally()
  for (let run = 0; run * restarts < time; run++) {
    const pair = new Pair({ rate, mix, ...(bursts && { bursts }) }, SEED + run, tally)
    pair.start()
    disturb?.(pair)
    await pair.run(Math.min(restarts, time - run * restarts))
    pair.stop()
    tally.beginAnew()
  }
  return {
    name,
    rate,
    time,
    requests: tally.requests,
    convictions: tally.notices
      .filter(({ type }) => type === 'ejected' || type === 'conviction-withheld' || type === 'failover')
      .map(({ at, text }) => `${Math.round(at)} ${text}`),
    failovers: { ...counted(tally.failovers), count: tally.said('failover').length },
    suspicions: counted(tally.suspicions),
    hesitations: counted(tally.hesitations),
    holds: counted(tally.holds),
    hedged: tally.rescues.hedged,
    toStandby: tally.rescues['sent-to-standby'],
    lost: tally.lost,
  }
}

const counted = ({ count, mean, longest }: Lengths): Counted => ({ count, mean, longest })
