/** The traffic of one pool that one worker carries, as the control thread knows it: by reports, and by what it asks for. */
import type { Route } from '../core/route.ts'
import type { Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { TrafficControl, UpstreamLedger } from '../runtime/ledger.ts'
import type { PoolRuntime } from '../runtime/pool-runtime.ts'
import type { PoolReport, Sighting, ToWorker, UpstreamLoad } from './messages.ts'

/** The way to the worker. */
export interface Wire {
  send(message: ToWorker): void
  /** Sends what `message` makes of a number, and calls back when the worker says that it is done, or is gone. */
  ask(message: (id: number) => ToWorker, done: () => void): void
  /** Returns once everything sent so far has been acted on. */
  confirm(): void
}

const NOTHING = { inFlight: 0, tunnels: 0, connections: { open: 0, max: null } }

export class RemoteTraffic {
  private readonly runtime: PoolRuntime
  private readonly wire: Wire
  private readonly clock: Clock
  private readonly upstreams: ReadonlyMap<UpstreamId, RemoteUpstream>
  private held = 0
  /** When the routes were sent that the worker has not confirmed yet, oldest first. */
  private readonly unconfirmed: Millis[] = []

  constructor(runtime: PoolRuntime, wire: Wire, clock: Clock) {
    this.runtime = runtime
    this.wire = wire
    this.clock = clock
    const join = (ledger: UpstreamLedger) => new RemoteUpstream(runtime.name, ledger, wire)
    this.upstreams = new Map(runtime.state.upstreams.map(({ id }) => [id, join(runtime.ledger(id))]))
  }

  changed(route: Route | null): void {
    this.wire.send({ type: 'changed', pool: this.runtime.name, state: this.runtime.state, route })
    if (route === null) return
    this.unconfirmed.push(this.clock.now())
    for (const { ledger } of this.upstreams.values()) ledger.reportDue()
  }

  reported({ sightings, loads, held, followsSince }: PoolReport): void {
    for (const load of loads) this.upstreams.get(load.upstream)?.loaded(load)
    for (const sighting of sightings) this.upstreams.get(sighting.upstream)?.saw(sighting)
    this.runtime.heldElsewhereChanged(held - this.held)
    this.held = held
    if (followsSince !== null) {
      this.runtime.counters.routeDelays.observe(followsSince - (this.unconfirmed[0] ?? followsSince))
      this.confirmed()
    }
  }

  /** The worker has ended, and with it everything that it carried. */
  end(): void {
    this.runtime.heldElsewhereChanged(-this.held)
    while (this.unconfirmed.length > 0) this.confirmed()
    for (const upstream of this.upstreams.values()) upstream.end()
  }

  private confirmed(): void {
    this.unconfirmed.shift()
    for (const { ledger } of this.upstreams.values()) ledger.reportCame()
  }
}

class RemoteUpstream implements TrafficControl {
  readonly ledger: UpstreamLedger
  private readonly pool: string
  private readonly wire: Wire
  private load: Pick<UpstreamLoad, 'inFlight' | 'tunnels' | 'connections'> = NOTHING

  constructor(pool: string, ledger: UpstreamLedger, wire: Wire) {
    this.pool = pool
    this.ledger = ledger
    this.wire = wire
    ledger.traffic.push(this)
  }

  loaded(load: UpstreamLoad): void {
    const { ledger } = this
    if (load.lastByteAt > ledger.evidence.lastByteAt) ledger.heardElsewhere(load.lastByteAt)
    ledger.loadChanged(this.load, load)
    this.load = load
  }

  /** The same calls as if it had happened here. */
  saw(sighting: Sighting): void {
    const { ledger } = this
    const { at } = sighting
    switch (sighting.what) {
      case 'good':
        return this.sawGood(sighting)
      case 'answered':
        return ledger.attemptAnswered(sighting.status, sighting.routeClass, at, sighting.latency)
      case 'failed':
        return ledger.attemptFailed(sighting.failure, sighting.routeClass, at, sighting.latency)
      case 'goaway':
        return ledger.goawayCame(at)
    }
  }

  private sawGood({
    at,
    answered,
    delivered,
    sentAt,
    connected,
    sessions,
    began,
  }: Extract<Sighting, { what: 'good' }>) {
    const { ledger } = this
    if (connected) ledger.evidence.connected()
    for (let session = 0; session < sessions; session++) ledger.sessionTaken(at)
    if (began) ledger.answerBegan(at)
    for (const [status, count] of answered) {
      for (let answer = 0; answer < count; answer++) ledger.attemptAnswered(status, '', at)
    }
    for (let answer = 0; answer < delivered; answer++) ledger.attemptDelivered(200, sentAt, at)
  }

  end(): void {
    const { traffic } = this.ledger
    traffic.splice(traffic.indexOf(this), 1)
    this.ledger.loadChanged(this.load, NOTHING)
  }

  get connections(): number {
    return this.load.connections.open
  }

  get maxConnections(): number | null {
    return this.load.connections.max
  }

  abandonWaiting(detail: string): void {
    this.wire.send({ type: 'abandon-waiting', ...this.place, detail })
  }

  closeRequests(): void {
    this.wire.send({ type: 'close-requests', ...this.place })
  }

  closeTunnels(spread: number): void {
    this.wire.send({ type: 'close-tunnels', ...this.place, spread })
  }

  preconnect(count: number, done: () => void): void {
    this.wire.ask((id) => ({ type: 'preconnect', ...this.place, count, id }), done)
  }

  confirm(): void {
    this.wire.confirm()
  }

  private get place(): Readonly<{ pool: string; upstream: UpstreamId }> {
    return { pool: this.pool, upstream: this.ledger.id }
  }
}
