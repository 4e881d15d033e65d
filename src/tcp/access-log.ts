/** What one finished session leaves behind for the access log. */
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Rescue } from '../runtime/counters.ts'

/** A failed attempt; the one that served is the record's `upstream`. `ms`: since the client arrived. */
export type AttemptRecord = Readonly<{ upstream: UpstreamId; failure: string; ms: number }>

export type SessionError =
  /** Nobody took it within the time it may wait. */
  | 'no-upstream'
  | 'hold-full'
  /** All connections to the upstream that may be were taken, for as long as it may wait. */
  | 'connection-limit'
  /** The upstream closed without a word, and so did the one after it, or there was none. */
  | 'upstream-closed'
  | 'upstream-reset'
  | 'client-gone'
  | 'idle'
  /** Ended by us: its upstream was taken out of service, or we are. */
  | 'cut'

export type TcpAccessRecord = Readonly<{
  listener: string
  /** Address of the client. */
  client: string
  pool: string
  /** Null when none ever took it. */
  upstream: UpstreamId | null
  /** When its upstream took it; without one, when it ended. */
  epoch: number
  /** From the client. */
  bytesIn: number
  /** From the upstream. */
  bytesOut: number
  duration: Millis
  attempts: readonly AttemptRecord[]
  rescued: Rescue | null
  /** Null: both sides came to their end. */
  error: SessionError | null
}>

export type TcpAccessSink = (record: TcpAccessRecord) => void
