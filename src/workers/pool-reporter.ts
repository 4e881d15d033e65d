/**
 * Tells the control thread what this worker's traffic has shown of one pool. Bad news leaves at the end of the turn of the
 * event loop, good news within a few milliseconds: under load that is one message for many requests.
 */
import { isFailureStatus } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { UpstreamLedger } from '../runtime/ledger.ts'
import type { PoolReport, Sighting, UpstreamLoad } from './messages.ts'

type Good = {
  readonly what: 'good'
  readonly upstream: UpstreamId
  at: Millis
  /** By status. */
  readonly answers: Map<number, number>
  delivered: number
  sentAt: Millis
  connected: boolean
  sessions: number
  began: boolean
}
type Told = Exclude<Sighting, { what: 'good' }>

/** When a report leaves is somebody else's business. */
export type ReportDesk = Readonly<{
  /** `urgent`: now, or as good as. */
  due(reporter: PoolReporter, urgent: boolean): void
}>

export class PoolReporter {
  private readonly pool: string
  private readonly desk: ReportDesk
  private readonly held: () => number
  private sightings: (Good | Told)[] = []
  /** The last word on each upstream, as long as it is a good one. */
  private readonly good = new Map<UpstreamId, Good>()
  private readonly changed = new Set<UpstreamLedger>()

  constructor(pool: string, desk: ReportDesk, held: () => number) {
    this.pool = pool
    this.desk = desk
    this.held = held
  }

  /** There is more or less in flight than before, or something was heard. */
  loadChanged(ledger: UpstreamLedger, urgent: boolean): void {
    this.changed.add(ledger)
    this.desk.due(this, urgent)
  }

  connected(upstream: UpstreamId, at: Millis): void {
    this.goodNews(upstream, at).connected = true
  }

  sessionTaken(upstream: UpstreamId, at: Millis): void {
    this.goodNews(upstream, at).sessions++
  }

  answerBegan(upstream: UpstreamId, at: Millis): void {
    this.goodNews(upstream, at).began = true
  }

  answered(upstream: UpstreamId, status: number, at: Millis): void {
    const { answers } = this.goodNews(upstream, at)
    answers.set(status, (answers.get(status) ?? 0) + 1)
  }

  delivered(upstream: UpstreamId, sentAt: Millis, at: Millis): void {
    const good = this.goodNews(upstream, at)
    good.delivered++
    good.sentAt = sentAt
  }

  tell(sighting: Told): void {
    this.sightings.push(sighting)
    this.good.delete(sighting.upstream)
    this.desk.due(this, true)
  }

  /** Everything since the last report. `followsSince`: when it has taken a new route, if it tells of that. */
  report(followsSince: Millis | null): PoolReport {
    const report: PoolReport = {
      pool: this.pool,
      sightings: this.sightings.map((sighting) => (sighting.what === 'good' ? plain(sighting) : sighting)),
      loads: [...this.changed].map(loadOf),
      held: this.held(),
      followsSince,
    }
    this.sightings = []
    this.good.clear()
    this.changed.clear()
    return report
  }

  private goodNews(upstream: UpstreamId, at: Millis): Good {
    const known = this.good.get(upstream)
    if (known) {
      known.at = at
      return known
    }
    const nothing = { delivered: 0, sentAt: at, connected: false, sessions: 0, began: false }
    const good: Good = { what: 'good', upstream, at, answers: new Map(), ...nothing }
    this.sightings.push(good)
    this.good.set(upstream, good)
    this.desk.due(this, false)
    return good
  }
}

const plain = ({ answers, ...rest }: Good): Sighting => ({ ...rest, answered: [...answers] })

const loadOf = ({ id, inFlight, tunnels, connections, evidence }: UpstreamLedger): UpstreamLoad => ({
  upstream: id,
  inFlight,
  tunnels,
  connections,
  lastByteAt: evidence.lastByteAt,
})

/** Worth a message of its own: an answer that is no proof of health. */
export const isBadNews = (status: number): boolean => isFailureStatus(status) || status === 421
