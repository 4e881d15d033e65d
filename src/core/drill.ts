/** What a drill has shown of a standby: whether it could take over now, and if not, why not. Decides nothing else. */
import type { ProbeVerdict } from './health.ts'
import type { Millis } from './time.ts'

export type DrillProbe = Readonly<{ at: Millis; verdict: ProbeVerdict; detail: string; latency: number }>

/** `status`: of an answer; null in a TCP pool, where a connection is all there is. `failure`: why there was no answer. */
export type DrillRequest = Readonly<{ at: Millis; status: number | null; failure: string | null; latency: number }>

/** Latencies in ms, of what succeeded; null when nothing did. `statuses`: how often each. */
export type DrillSummary = Readonly<{
  upstream: string
  sent: number
  failed: number
  statuses: Readonly<Record<string, number>>
  p50: number | null
  p99: number | null
}>

export type DrillFindings = Readonly<{
  upstream: string
  /** How many requests there were to be. */
  wanted: number
  probes: readonly DrillProbe[]
  requests: readonly DrillRequest[]
  /** The active, asked the same. Null: nobody is, or it is the one under test. */
  active: Readonly<{ upstream: string; requests: readonly DrillRequest[] }> | null
}>

export type DrillVerdict = Readonly<{
  verdict: 'ready' | 'not-ready'
  /** Why it is not ready. */
  reasons: readonly string[]
  summary: DrillSummary
  comparedWith: DrillSummary | null
  /** It works, but not as well as the active. */
  slower: boolean
}>

/** So much longer must half of the answers take to be called slower: both, for a ratio of microseconds says nothing. */
const SLOWER_BY = 50
const SLOWER_TIMES = 3

export function judgeDrill(findings: DrillFindings): DrillVerdict {
  const { upstream, requests, active } = findings
  const summary = summarise(upstream, requests)
  const comparedWith = active && summarise(active.upstream, active.requests)
  const reasons = [
    ...probeReasons(findings),
    ...requestReasons(findings, summary),
    ...errorReasons(summary),
    ...(comparedWith ? otherAnswers(summary, comparedWith) : []),
  ]
  const slower = comparedWith !== null && isSlower(summary.p50, comparedWith.p50)
  return { verdict: reasons.length === 0 ? 'ready' : 'not-ready', reasons, summary, comparedWith, slower }
}

function probeReasons({ probes }: DrillFindings): readonly string[] {
  if (probes.length === 0) return ['no probe came to its end in time']
  const failed = probes.filter(({ verdict }) => verdict !== 'pass')
  return failed.slice(0, 1).map(({ detail }) => `${failed.length} of ${probes.length} probes failed: ${detail}`)
}

function requestReasons({ requests, wanted }: DrillFindings, summary: DrillSummary): readonly string[] {
  const first = requests.find(({ failure }) => failure !== null)
  const unsent = summary.sent < wanted ? [`only ${summary.sent} of ${wanted} requests were sent`] : []
  return first ? [`${summary.failed} of ${summary.sent} requests failed: ${first.failure}`, ...unsent] : unsent
}

const isError = (status: string): boolean => Number(status) >= 500

/** An error says nothing good, even where the active gives the same: the path may be the culprit, and proves nothing. */
function errorReasons({ statuses, sent }: DrillSummary): readonly string[] {
  const errors = Object.entries(statuses).filter(([status]) => isError(status))
  if (errors.length === 0) return []
  const count = errors.reduce((sum, [, times]) => sum + times, 0)
  return [`${count} of ${sent} requests were answered with ${errors.map(([status]) => status).join(', ')}`]
}

/** An answer that the active does not give: a redirect to somewhere else, a page that is not there. */
function otherAnswers(summary: DrillSummary, active: DrillSummary): readonly string[] {
  const known = Object.keys(active.statuses)
  const strange = Object.keys(summary.statuses).filter((status) => !isError(status) && !known.includes(status))
  if (strange.length === 0 || known.length === 0) return []
  return [`answers ${strange.join(', ')} where ${active.upstream} answers ${known.join(', ')}`]
}

function summarise(upstream: string, requests: readonly DrillRequest[]): DrillSummary {
  const statuses: Record<string, number> = {}
  for (const { status } of requests) if (status !== null) statuses[status] = (statuses[status] ?? 0) + 1
  const fine = requests.filter(({ failure }) => failure === null).map(({ latency }) => latency)
  const sorted = fine.toSorted((a, b) => a - b)
  return {
    upstream,
    sent: requests.length,
    failed: requests.length - fine.length,
    statuses,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  }
}

/** The smallest value that so large a share does not exceed. */
function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? null
}

const isSlower = (own: number | null, active: number | null): boolean =>
  own !== null && active !== null && own - active > SLOWER_BY && own > active * SLOWER_TIMES
