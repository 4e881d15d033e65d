/** What the control thread and its workers tell each other: plain data, in order, each message complete in itself. */
import type { Conviction } from '../core/ejection.ts'
import type { Epoch } from '../core/epoch.ts'
import type { Failure } from '../core/failure.ts'
import type { ProbeResult } from '../core/health.ts'
import type { PoolState } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolTrafficCounts, UpstreamTrafficCounts } from '../runtime/counters.ts'

/** A pool as a worker has to know it. */
export type PoolNews = Readonly<{ state: PoolState; route: Route }>

type OfPool = Readonly<{ pool: string }>
type OfUpstream = OfPool & Readonly<{ upstream: UpstreamId }>

/** By listener: the port that was got where 0 was asked for, and those of all others. */
export type Ports = Readonly<Record<string, number | null>>

/** From one worker to all the others. */
export type Signal =
  /** What waits for the end of a doubt may go on. */
  | (OfPool & Readonly<{ type: 'doubt-settled' }>)
  /** A place for a connection was given back that somebody wanted. */
  | (OfUpstream & Readonly<{ type: 'place-freed' }>)

export type ToWorker =
  | Signal
  /** From now on it takes part: everything sent before it is known to it. */
  | Readonly<{ type: 'listen'; ports: Ports }>
  /** `route`: null where it is still the same. A new one is confirmed by a report. */
  | (OfPool & Readonly<{ type: 'changed'; state: PoolState; route: Route | null }>)
  | (OfUpstream & Readonly<{ type: 'probe-started'; at: Millis }>)
  | (OfUpstream & Readonly<{ type: 'probe-ended'; result: ProbeResult; sentAt: Millis }>)
  | (OfUpstream & Readonly<{ type: 'abandon-waiting'; detail: string }>)
  | (OfUpstream & Readonly<{ type: 'close-requests' }>)
  | (OfUpstream & Readonly<{ type: 'close-tunnels'; spread: number }>)
  | (OfUpstream & Readonly<{ type: 'preconnect'; count: number; id: number }>)
  | Readonly<{ type: 'account'; id: number }>
  | Readonly<{ type: 'drain'; id: number }>

export type FromWorker =
  | Signal
  /** It only has to be told to listen. */
  | Readonly<{ type: 'built' }>
  | Readonly<{ type: 'listening'; listeners: readonly BoundListener[] }>
  | Readonly<{ type: 'cannot-start'; message: string; hint: string }>
  | (PoolReport & Readonly<{ type: 'report' }>)
  | (OfUpstream & Readonly<{ type: 'probe-now' }>)
  | (OfUpstream & Readonly<{ type: 'convicted'; conviction: Conviction; epoch: Epoch }>)
  | (OfUpstream & Readonly<{ type: 'trial-worse'; epoch: Epoch; detail: string }>)
  | Readonly<{ type: 'account'; id: number; account: Account }>
  /** What was asked for under that number is done. */
  | Readonly<{ type: 'done'; id: number }>
  | Readonly<{ type: 'lines'; text: string }>

export type BoundListener = Readonly<{ name: string; address: string; port: number | null }>

/** What traffic has shown since the last report, oldest first, and how much of it there is now. */
export type PoolReport = OfPool &
  Readonly<{
    sightings: readonly Sighting[]
    loads: readonly UpstreamLoad[]
    /** Requests and sessions that wait. */
    held: number
    /** When it has taken a new route, if it tells of that: what was sent by an older one is counted here. */
    followsSince: Millis | null
  }>

export type UpstreamLoad = Readonly<{
  upstream: UpstreamId
  inFlight: number
  tunnels: number
  /** `max`: of all workers together. */
  connections: Readonly<{ open: number; max: number | null }>
  lastByteAt: Millis
}>

/** Good ones are told together: of these only the number counts. */
export type Sighting = Readonly<{ upstream: UpstreamId; at: Millis }> &
  (
    | Readonly<{
        what: 'good'
        /** Heads of answers, by status; and answers that are whole, with when the last of them was asked for. */
        answered: readonly (readonly [status: number, count: number])[]
        delivered: number
        sentAt: Millis
        /** It has taken connections; TCP sessions that were established; whether an answer has begun. */
        connected: boolean
        sessions: number
        began: boolean
      }>
    | Readonly<{ what: 'answered'; status: number; routeClass: string; latency: number | null }>
    | Readonly<{ what: 'failed'; failure: Failure; routeClass: string; latency: number | null }>
    | Readonly<{ what: 'goaway' }>
  )

/** Of pools: counted since the last account. Of listeners: all there were, and how many are open. */
export type Account = Readonly<{
  pools: readonly (OfPool & Readonly<{ counts: PoolTrafficCounts; upstreams: readonly UpstreamAccount[] }>)[]
  listeners: readonly Readonly<{ name: string; open: number; turnedAway: Readonly<Record<string, number>> }>[]
}>

type UpstreamAccount = Readonly<{ upstream: UpstreamId; counts: UpstreamTrafficCounts }>
