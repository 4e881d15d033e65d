/** What a probe is: one check of one upstream on a socket of its own. A new kind is one more function of type `Probe`. */
import type { ProbeResult } from '../core/health.ts'
import type { Cancel, Clock } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'

export type ProbeTls = Readonly<{
  verify: boolean
  /** PEM text, in place of the authorities that come with Node. */
  ca?: string
  /** Asked for (SNI) and expected in the certificate, in place of `host`. */
  serverName?: string
}>

export type ProbeTarget = Readonly<{
  id: UpstreamId
  host: string
  port: number
  /** A unix socket, in place of `host` and `port`. */
  socketPath?: string
  tls: ProbeTls | null
}>

export type ProbeLimits = Readonly<{ timeout: number; clock: Clock }>

/**
 * Always opens a fresh socket: a reused one may outlive the process that answers new clients. Calls `done` once, later,
 * unless it was cancelled first. Either way nothing stays open.
 */
export type Probe = (target: ProbeTarget, limits: ProbeLimits, done: (result: ProbeResult) => void) => Cancel
