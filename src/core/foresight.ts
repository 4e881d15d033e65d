/**
 * What can be said of a failure before it happens: the words in which `worst-case.ts` foretells what a configuration does.
 * Codes and worst-case numbers; sentences are the command line's.
 */
import type { PoolPolicy } from './policy.ts'

export type FailureMode =
  | 'killed'
  | 'accepts-and-closes'
  | 'stopped'
  | 'blackholed'
  | 'gateway-errors'
  | 'errors'
  | 'slow'
  | 'answers-cut'
  | 'probe-red'
  | 'one-path'
  | 'both-down'
  | 'switchover'
  | 'restart'

export type Rule = 'R1' | 'R2' | 'R3' | 'R4' | 'R5' | 'R7' | 'R8' | 'health'

/** What the pool does. `report`: leaves it to an operator. `stays`: on purpose. `unnoticed`: no rule in force sees it. */
export type Consequence = 'failover' | 'report' | 'stays' | 'unavailable' | 'planned' | 'restored' | 'unnoticed'

/** After so many bad answers, and in any case after so many ms. Null: no number of them, or no time, decides. Both: never. */
export type Moment = Readonly<{ ms: number | null; answers: number | null }>

/** What becomes of one class of requests. */
export type Fate =
  /** As if nothing had happened. */
  | Readonly<{ is: 'answered' }>
  /** By another upstream, so much later. `budget`: as long as the budget for repeating answers of 500 lasts. */
  | Readonly<{ is: 'answered-elsewhere'; after: number; budget: boolean }>
  /** Asked of another upstream as well once it takes longer than its kind usually does; the first answer counts. */
  | Readonly<{ is: 'hedged' }>
  /** Waits for the switch, which takes so long (null: unknown), at most as long as requests are held; then 503. */
  | Readonly<{ is: 'held'; ms: number | null; atMost: number }>
  /** May have been executed, and fails: what is in flight, and what comes in the next `ms`, or until the `answers`th bad one. */
  | Readonly<{ is: 'lost' } & Moment>
  /** The same requests, but they wait for their own deadline `until`: a stopped process may go on. Newer ones are held. */
  | Readonly<{ is: 'waits'; ms: number; until: number }>
  /** The upstream's own answers reach the client, until the switch. */
  | Readonly<{ is: 'passed-on' } & Moment>
  /** As slow as the upstream, until the switch. */
  | Readonly<{ is: 'slow'; ms: number | null }>
  /** As the upstream serves it: until an operator switches, or for as long as it lasts. */
  | Readonly<{ is: 'until-operator' | 'for-good' }>
  /** Nobody is there: waits so long for somebody to come back, then 503. */
  | Readonly<{ is: 'unavailable'; atMost: number }>
  /** In flight: finishes, within so many ms. New connections are refused until the process is back. */
  | Readonly<{ is: 'restarted'; finish: number }>
  /** In flight: finishes where it is, within so many ms. New ones go to the new active. */
  | Readonly<{ is: 'moved'; finish: number }>
  /** A TCP session ends: so much later, at some moment within `spread`. The client has to connect again. */
  | Readonly<{ is: 'cut'; after: number; spread: number }>

/** GET HEAD OPTIONS TRACE, PUT DELETE, all others; or what TCP knows: connections that come, and established ones. */
export type Fates =
  | Readonly<{ safe: Fate; idempotent: Fate; unsafe: Fate }>
  | Readonly<{ connections: Fate; sessions: Fate }>

export type Detected = Readonly<{
  rules: readonly Rule[]
  /** When it is noticed, at the latest, while there are requests. */
  withTraffic: Moment
  /** And without any, ms. Null: never. */
  idle: number | null
  consequence: Consequence
}>

/** `switchTakes`: from the decision to the first request of the new active. Zero where the pool just moves. */
export type Foreseen = Detected & Readonly<{ mode: FailureMode; switchTakes: number }>
export type WorstCase = Foreseen & Readonly<{ clients: Fates }>

export type PlanSettings = Readonly<{
  protocol: 'http' | 'tcp'
  policy: PoolPolicy
  gatewayErrors: number
  successRate: number
  hangAfter: number
  gray: 'switch' | 'report' | 'off'
  standbyReads: boolean
  probes: Readonly<{
    /** The longest pause between two of them, regularly and in doubt. */
    regular: number
    doubtful: number
    /** They ask the application: a mere connect is answered by the kernel of a stopped process, too. */
    prove: boolean
  }>
  /** Between the two probes that confirm a crash. */
  confirmAgain: number
  /** How long a request may wait for the head of its answer. */
  responseHead: number
}>
