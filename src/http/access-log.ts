/** What one finished exchange leaves behind for the access log. */
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Rescue } from '../runtime/counters.ts'
import type { Exchange } from './exchange.ts'

/** A failed attempt; the one that answered is the record's `upstream`. `ms`: since the request arrived. */
export type AttemptRecord = Readonly<{ upstream: UpstreamId | ''; failure: string; ms: number }>

export type AccessRecord = Readonly<{
  requestId: string
  /** 0 when the client left before there was one. */
  status: number
  /** Of the body. */
  bytes: number
  duration: Millis
  upstream: UpstreamId | null
  epoch: number
  attempts: readonly AttemptRecord[]
  rescued: Rescue | null
  /** Code of the proxy's own answer, `client-gone` or `truncated`; null when the upstream's answer was delivered. */
  error: string | null
}>

export type AccessSink = (exchange: Exchange, record: AccessRecord) => void
