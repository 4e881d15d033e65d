/** The ledger of an upstream in a worker: what happens on it is told to the control thread, which alone judges. */
import type { Failure } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { Known } from '../runtime/ledger.ts'
import { UpstreamLedger } from '../runtime/ledger.ts'
import type { PoolReporter } from './pool-reporter.ts'
import { isBadNews } from './pool-reporter.ts'
import type { SharedHearing } from './shared-hearing.ts'

export class ReportingLedger extends UpstreamLedger {
  private readonly reporter: PoolReporter
  private readonly hearing: SharedHearing

  constructor(id: UpstreamId, known: Known, reporter: PoolReporter, hearing: SharedHearing) {
    // What is found here is found from the same sightings there, with those of the other workers.
    super(id, known, () => {})
    this.reporter = reporter
    this.hearing = hearing
  }

  override attemptStarted(): void {
    super.attemptStarted()
    this.reporter.loadChanged(this, false)
  }

  override attemptEnded(): void {
    super.attemptEnded()
    // Somebody may wait for the last one.
    this.reporter.loadChanged(this, this.inFlight === 0 && !this.exemplary)
  }

  override tunnelOpened(): void {
    super.tunnelOpened()
    this.reporter.loadChanged(this, false)
  }

  override tunnelClosed(): void {
    super.tunnelClosed()
    this.reporter.loadChanged(this, false)
  }

  override heard(now: Millis): void {
    // First: a doubt that it ends is told of together with it.
    this.hearing.heard(now)
    super.heard(now)
    this.reporter.loadChanged(this, false)
  }

  override get lastByteElsewhere(): Millis {
    return this.hearing.elsewhere
  }

  override connected(): void {
    super.connected()
    this.reporter.connected(this.id, this.evidence.lastByteAt)
  }

  override sessionTaken(now: Millis): void {
    super.sessionTaken(now)
    this.reporter.sessionTaken(this.id, now)
  }

  override goawayCame(now: Millis): void {
    super.goawayCame(now)
    this.reporter.tell({ what: 'goaway', upstream: this.id, at: now })
  }

  override answerBegan(now: Millis): void {
    super.answerBegan(now)
    this.reporter.answerBegan(this.id, now)
  }

  override attemptAnswered(status: number, routeClass: string, now: Millis, latency: number | null = null): void {
    super.attemptAnswered(status, routeClass, now, latency)
    const upstream = this.id
    if (!isBadNews(status)) this.reporter.answered(upstream, status, now)
    else this.reporter.tell({ what: 'answered', upstream, at: now, status, routeClass, latency })
  }

  override attemptDelivered(status: number, sentAt: Millis, now: Millis): void {
    super.attemptDelivered(status, sentAt, now)
    if (!isBadNews(status)) this.reporter.delivered(this.id, sentAt, now)
  }

  override attemptFailed(failure: Failure, routeClass: string, now: Millis, latency: number | null = null): void {
    super.attemptFailed(failure, routeClass, now, latency)
    this.reporter.tell({ what: 'failed', upstream: this.id, at: now, failure, routeClass, latency })
  }
}
