/** Carries out what the route says of a trial: sends it its share of the requests, and keeps count of how both sides do. */
import { Comparison } from '../core/comparison.ts'
import type { Failure } from '../core/failure.ts'
import { isGatewayStatus, isKeepAliveRace } from '../core/failure.ts'
import type { Route } from '../core/route.ts'
import type { UpstreamId } from '../core/upstream.ts'

export class FailbackTrial {
  private upstream: UpstreamId | null = null
  private comparison = new Comparison()
  private readonly onWorse: (upstream: UpstreamId, why: string) => void

  constructor(onWorse: (upstream: UpstreamId, why: string) => void) {
    this.onWorse = onWorse
  }

  /** A new route is out. The stages of one trial are one comparison. */
  follow({ trial }: Route): void {
    if (trial && trial.upstream !== this.upstream) this.comparison = new Comparison()
    this.upstream = trial?.upstream ?? null
  }

  /** Where a request goes that may be sent again. */
  choose({ trial }: Route, active: UpstreamId): UpstreamId {
    return trial && this.comparison.picks(trial.share) ? trial.upstream : active
  }

  /** An attempt of such a request failed. */
  failed(on: UpstreamId, failure: Failure): void {
    if (failure.blame !== 'upstream' || isKeepAliveRace(failure)) return
    this.count(on, true, null)
  }

  /** Such a request was answered, whole. `took`: null where more than this upstream had a part in it. */
  answered(on: UpstreamId, status: number, took: number | null): void {
    this.count(on, status === 500 || isGatewayStatus(status), took)
  }

  private count(on: UpstreamId, bad: boolean, took: number | null): void {
    const { upstream, comparison } = this
    if (upstream === null) return
    const side = on === upstream ? 'trial' : 'active'
    if (bad) comparison.failed(side)
    else comparison.answered(side, took)
    const why = side === 'trial' ? comparison.worse() : null
    if (why !== null) this.onWorse(upstream, why)
  }
}
