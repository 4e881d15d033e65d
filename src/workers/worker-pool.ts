/**
 * One pool in a worker: follows what the control thread decides, watches for its own traffic, and tells what it sees. It
 * holds, rescues and hedges by itself, for that cannot wait for anybody; who is active it is told.
 */
import type { Allowance } from '../core/allowance.ts'
import type { Doubt } from '../core/doubt.ts'
import type { Conviction } from '../core/ejection.ts'
import type { Epoch } from '../core/epoch.ts'
import type { ProbeResult } from '../core/health.ts'
import type { PoolState } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import type { Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { PoolCounters } from '../runtime/counters.ts'
import { FailbackTrial } from '../runtime/failback-trial.ts'
import type { HoldLimits, HoldRoom } from '../runtime/hold.ts'
import { Hold } from '../runtime/hold.ts'
import type { Known, UpstreamLedger } from '../runtime/ledger.ts'
import type { Drive, SurveillancePolicy } from '../runtime/lookout.ts'
import { Lookout } from '../runtime/lookout.ts'
import type { TrafficPool } from '../runtime/traffic-pool.ts'
import type { Watching } from '../runtime/watch-timer.ts'
import type { PoolNews } from './messages.ts'
import { PoolReporter } from './pool-reporter.ts'
import type { Desk } from './report-desk.ts'
import { ReportingLedger } from './reporting-ledger.ts'
import type { SharedDoubt } from './shared-doubt.ts'
import type { SharedHearing } from './shared-hearing.ts'

/** What it asks of the control thread, or tells it. */
export interface PoolControl {
  probeNow(pool: string, upstream: UpstreamId): void
  convicted(pool: string, upstream: UpstreamId, found: Readonly<{ conviction: Conviction; epoch: Epoch }>): void
  /** What waits for the end of a doubt may go on, at the other workers too. */
  doubtSettled(pool: string): void
  trialWorse(pool: string, upstream: UpstreamId, found: Readonly<{ detail: string; epoch: Epoch }>): void
}

export type WorkerPoolOptions = Drive &
  Readonly<{
    name: string
    news: PoolNews
    surveillance: SurveillancePolicy
    hold: HoldLimits
    room: HoldRoom
    doubts: SharedDoubt
    hearings: ReadonlyMap<UpstreamId, SharedHearing>
    control: PoolControl
    desk: Desk
  }>

export class WorkerPool implements TrafficPool, Watching {
  readonly name: string
  readonly counters = new PoolCounters()
  readonly hold: Hold
  readonly trial: FailbackTrial
  route: Route
  private state: PoolState
  private readonly desk: Desk
  private readonly reporter: PoolReporter
  private readonly lookout: Lookout
  private readonly doubts: SharedDoubt
  private readonly hearings: ReadonlyMap<UpstreamId, SharedHearing>

  constructor(options: WorkerPoolOptions) {
    const { name, news, surveillance, hold, room, doubts, hearings, control, desk } = options
    this.name = name
    this.state = news.state
    this.route = news.route
    this.desk = desk
    this.doubts = doubts
    this.hearings = hearings
    this.reporter = new PoolReporter(name, desk, () => this.hold.size)
    const requests = watched(room.requests, () => desk.due(this.reporter, false))
    this.hold = new Hold(hold, options.clock, { ...room, requests })
    this.trial = new FailbackTrial((upstream, detail) =>
      control.trialWorse(name, upstream, { detail, epoch: this.route.epoch }),
    )
    const ids = news.state.upstreams.map(({ id }) => id)
    this.lookout = new Lookout(ids, surveillance, options, {
      state: () => this.state,
      route: () => this.route,
      counters: this.counters,
      makeLedger: (id, known) => this.makeLedger(id, known),
      probeNow: (id) => control.probeNow(name, id),
      convict: (id, conviction) => control.convicted(name, id, { conviction, epoch: this.route.epoch }),
      doubtSettled: () => {
        this.look()
        control.doubtSettled(name)
        this.doubtSettled()
      },
    })
    this.lookout.follow(this.route)
    this.lookout.start()
    // After the watch, so that the others learn at once what it has found.
    options.watchTimer.add(this)
  }

  get ledgers(): ReadonlyMap<UpstreamId, UpstreamLedger> {
    return this.lookout.ledgers
  }

  ledger(id: UpstreamId): UpstreamLedger {
    const ledger = this.lookout.ledgers.get(id)
    if (!ledger) throw new Error(`pool ${this.name} has no upstream ${id}`)
    return ledger
  }

  get doubt(): Doubt {
    return this.doubts.gravest
  }

  doubtAt(now: Millis): Doubt {
    const own = this.lookout.doubtAt(now)
    this.shareDoubt()
    const { gravest } = this.doubts
    return gravest === 'none' ? own : gravest
  }

  look(): void {
    this.shareDoubt()
    for (const hearing of this.hearings.values()) hearing.tell()
  }

  /** Here, or at another worker. */
  doubtSettled(): void {
    // Not from within the connection that has just been heard.
    queueMicrotask(() => this.hold.offer(this.route))
  }

  private shareDoubt(): void {
    this.doubts.set(this.lookout.doubt)
  }

  private makeLedger(id: UpstreamId, known: Known): UpstreamLedger {
    const hearing = this.hearings.get(id)
    if (!hearing) throw new Error(`pool ${this.name} shares nothing of upstream ${id}`)
    return new ReportingLedger(id, known, this.reporter, hearing)
  }

  /** The control thread has decided, or learned something. */
  changed(state: PoolState, route: Route | null): void {
    const { epoch } = this.state
    this.state = state
    if (state.epoch !== epoch) this.lookout.activeChanged()
    this.shareDoubt()
    if (route === null) return
    this.route = route
    this.lookout.follow(route)
    this.trial.follow(route)
    // Nothing is sent by the older route any more, and what was is counted.
    this.desk.confirm(this.reporter)
    this.hold.offer(route)
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    this.lookout.probeStarted(id, at)
  }

  probeEnded(id: UpstreamId, result: ProbeResult, sentAt: Millis): void {
    this.lookout.probeEnded(this.ledger(id), result, sentAt)
  }
}

/** `onChange`: something was taken, or given back. */
const watched = (allowance: Allowance, onChange: () => void): Allowance => ({
  take: (amount) => {
    const taken = allowance.take(amount)
    if (taken) onChange()
    return taken
  },
  giveBack: (amount) => {
    allowance.giveBack(amount)
    onChange()
  },
})
