/** What a decision rested on, in a form that can be kept: the rule, its figures, and what was seen of each upstream last. */
import type { ConvictionRule } from './ejection.ts'
import type { ProbeVerdict } from './health.ts'
import type { Millis } from './time.ts'
import type { UpstreamId } from './upstream.ts'

export type SeenProbe = Readonly<{
  /** When it was sent. */
  at: Millis
  /** `unanswered`: still without an answer when the decision was taken. */
  verdict: ProbeVerdict | 'unanswered'
  detail: string
  /** ms; of one that is unanswered, so far. */
  latency: number
}>

/** A failed one. Those that succeed are counted, not kept. */
export type SeenAttempt = Readonly<{
  at: Millis
  /** `GET /items`: method and first path segment. */
  routeClass: string
  what: string
  /** ms since the request was sent, or the attempt begun; null where nobody measured. */
  latency: number | null
}>

/** Oldest first. */
export type Sighting = Readonly<{
  upstream: UpstreamId
  inFlight: number
  probes: readonly SeenProbe[]
  failedAttempts: readonly SeenAttempt[]
}>

export type Grounds = Readonly<{
  rule: ConvictionRule | 'health' | 'operator' | null
  /** Of the rule, by name; a name that ends in Ms counts milliseconds. */
  figures: Readonly<Record<string, number>>
  upstreams: readonly Sighting[]
}>
