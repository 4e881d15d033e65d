/** What a probe is: one check of one upstream on a socket of its own. A new kind is one more function of type `Probe`. */
import { isIPv6 } from 'node:net'
import type { ProbeResult } from '../core/health.ts'
import type { Cancel, Clock } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { KnownAddresses } from '../wire/known-addresses.ts'

export type ProbeTls = Readonly<{
  verify: boolean
  /** PEM text, in place of the authorities that come with Node. */
  ca?: string
  /** Asked for (SNI) and expected in the certificate, in place of `host`. */
  serverName?: string
  /** PEM text of ours, for upstreams that ask for a certificate. Both or none. */
  cert?: string
  key?: string
}>

export type ProbeTarget = Readonly<{
  id: UpstreamId
  host: string
  port: number
  /** Where connections to it go, those of traffic too. Of a unix socket its path. */
  addresses: KnownAddresses
  /** A unix socket, in place of `host` and `port`. */
  socketPath?: string
  /** Sent first on every connection, before TLS: the PROXY header without which the upstream would not listen. */
  proxyHeader?: Buffer | null
  tls: ProbeTls | null
}>

export type ProbeLimits = Readonly<{ timeout: number; clock: Clock }>

/**
 * Always opens a fresh socket: a reused one may outlive the process that answers new clients. Calls `done` once, later,
 * unless it was cancelled first. Either way nothing stays open.
 */
export type Probe = (target: ProbeTarget, limits: ProbeLimits, done: (result: ProbeResult) => void) => Cancel

/** A target without TLS settings of its own is still probed with TLS by a probe that is called that. */
export const withTls = (target: ProbeTarget): ProbeTarget => ({ ...target, tls: target.tls ?? { verify: true } })

/** As HTTP of either version calls the target (RFC 9110 §7.2). */
export function authorityOf({ host, port, socketPath, tls }: ProbeTarget): string {
  const name = tls?.serverName ?? host
  if (socketPath !== undefined) return name || 'localhost'
  const shown = isIPv6(name) ? `[${name}]` : name
  return port === (tls ? 443 : 80) ? shown : `${shown}:${port}`
}
