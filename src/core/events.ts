/** What goes into the core (events), what it asks the shell to do (effects), and what it tells the world (notices). */
import type { Conviction, ConvictionRule } from './ejection.ts'
import type { Epoch } from './epoch.ts'
import type { Grounds } from './grounds.ts'
import type { ProbeResult } from './health.ts'
import type { Route } from './route.ts'
import type { Millis } from './time.ts'
import type { UpstreamId } from './upstream.ts'

export type Command =
  | Readonly<{ name: 'switchover'; to: UpstreamId | null }>
  | Readonly<{ name: 'failover'; force: boolean }>
  | Readonly<{ name: 'failback' | 'pause' | 'resume' }>
  | Readonly<{ name: 'drain' | 'disable' | 'enable'; upstream: UpstreamId; force: boolean }>

/** Who asked, and why: recorded with every command. */
export type Origin = Readonly<{ by: string; why: string }>

export type PoolEvent =
  | Readonly<{
      type: 'probe-result'
      at: Millis
      upstream: UpstreamId
      result: ProbeResult
      /** Real requests to this upstream succeeded just now, whatever its probes say (rule R7). */
      trafficFine: boolean
    }>
  | Readonly<{ type: 'convicted'; at: Millis; upstream: UpstreamId; epoch: Epoch; conviction: Conviction }>
  | Readonly<{ type: 'command'; at: Millis; command: Command; origin: Origin }>
  | Readonly<{ type: 'drained'; at: Millis; upstream: UpstreamId; epoch: Epoch }>
  | Readonly<{ type: 'hook-finished'; at: Millis; hook: HookName; epoch: Epoch; ok: boolean; detail: string }>
  /** What a `preconnect` asked for is done, or cannot be done. */
  | Readonly<{ type: 'preconnected'; at: Millis; upstream: UpstreamId; epoch: Epoch }>
  /** An upstream that is tried answers worse than the active. */
  | Readonly<{ type: 'trial-worse'; at: Millis; upstream: UpstreamId; epoch: Epoch; detail: string }>
  | Readonly<{ type: 'tick'; at: Millis }>

export type HookName = 'fence' | 'promote'

/** How the traffic of an upstream that is no longer active comes to its end. Every way has an end in time. */
export type Retirement = Readonly<{
  /** Requests still without an answer: given up (and replayed where that is safe), or finished until `finishBy`. */
  waiting: 'abandon' | 'finish'
  finishBy: Millis
  /** Tunnels are closed from this moment on, spread over `spread` ms. */
  tunnelsBy: Millis
  spread: number
}>

export type Effect =
  | Readonly<{ type: 'publish'; route: Route }>
  | Readonly<{ type: 'retire'; upstream: UpstreamId; retirement: Retirement }>
  /** Close every connection to it now; nothing may reach it any more. */
  | Readonly<{ type: 'cut'; upstream: UpstreamId }>
  /** Answer with a `drained` event once nothing is in flight on it. */
  | Readonly<{ type: 'await-drain'; upstream: UpstreamId; epoch: Epoch }>
  | Readonly<{ type: 'run-hook'; hook: HookName; from: UpstreamId; to: UpstreamId; epoch: Epoch }>
  /** Open connections to it ahead of its first requests, as many as the active has; answer with `preconnected`. */
  | Readonly<{ type: 'preconnect'; upstream: UpstreamId }>
  | Readonly<{ type: 'probe-now'; upstream: UpstreamId }>
  | Readonly<{ type: 'wake-at'; at: Millis }>
  | Readonly<{ type: 'announce'; notice: Notice }>

export type NoticeType =
  | 'started'
  | 'failover'
  | 'switchover'
  | 'failback'
  | 'recovered'
  | 'unavailable'
  | 'ejected'
  | 'conviction-withheld'
  | 'upstream-fit'
  | 'upstream-unfit'
  | 'active-unfit'
  | 'active-fit'
  | 'failback-started'
  | 'failback-aborted'
  | 'would-failover'
  | 'would-failback'
  | 'switch-started'
  | 'switch-failed'
  | 'paused'
  | 'resumed'
  | 'admin-changed'

export type Notice = Readonly<{
  type: NoticeType
  at: Millis
  pool: string
  epoch: Epoch
  upstream?: UpstreamId
  from?: UpstreamId | null
  to?: UpstreamId | null
  rule?: ConvictionRule | 'health' | 'operator'
  by?: string
  /** One sentence for people. */
  text: string
  /** What it rests on, where somebody will want to know. The core leaves it out: it does not keep what it was shown. */
  evidence?: Grounds
}>

export type CommandReply =
  | Readonly<{ ok: true; changed: boolean }>
  | Readonly<{ ok: false; code: RefusalCode; message: string; hint: string }>

export type RefusalCode =
  | 'unknown_upstream'
  | 'not_eligible'
  | 'no_candidate'
  | 'switch_in_progress'
  | 'active_is_fit'
  | 'failback_is_off'
