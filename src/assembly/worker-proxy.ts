/** What a worker consists of: its pools, their traffic, its listeners. Does as the control thread says. */
import type { Config, UpstreamConfig } from '../config/schema.ts'
import type { UpstreamId } from '../core/upstream.ts'
import { upstreamId } from '../core/upstream.ts'
import type { TrafficControl } from '../runtime/ledger.ts'
import { UNLIMITED } from '../wire/connection-allowance.ts'
import { sendAtEndOfTurn } from '../wire/outbox.ts'
import type { Account, FromWorker, Ports, ToWorker } from '../workers/messages.ts'
import { Desk } from '../workers/report-desk.ts'
import { SharedAllowance } from '../workers/shared-allowance.ts'
import { SharedDoubt } from '../workers/shared-doubt.ts'
import type { SharedMoments } from '../workers/shared-hearing.ts'
import { SharedHearing } from '../workers/shared-hearing.ts'
import type { SharedPlaceCount } from '../workers/shared-places.ts'
import { SharedPlaces } from '../workers/shared-places.ts'
import type { PoolControl } from '../workers/worker-pool.ts'
import { WorkerPool } from '../workers/worker-pool.ts'
import type { Listener, ListenerShare } from './listener-parts.ts'
import { bindListener, buildListener } from './listener-parts.ts'
import { socketsEach } from './shared-ports.ts'
import { StartError } from './start-error.ts'
import type { Traffic, TrafficShared } from './traffic-parts.ts'
import { buildTraffic, reachedUpstreams, surveillanceOf } from './traffic-parts.ts'
import type { WorkerStart } from './worker-start.ts'

type TrafficOrder = Extract<ToWorker, { type: 'abandon-waiting' | 'close-requests' | 'close-tunnels' | 'preconnect' }>
type Send = (message: FromWorker) => void
type Part = Readonly<{
  pool: WorkerPool
  traffic: Traffic
  /** By upstream, of those that have a limit. */
  places: ReadonlyMap<string, SharedPlaces>
}>

export class WorkerProxy {
  private readonly config: Config
  private readonly start: WorkerStart
  private readonly shared: WorkerShared
  private readonly send: Send
  private readonly parts: ReadonlyMap<string, Part>
  private readonly desk: Desk
  private listeners: readonly Listener[] = []

  constructor(start: WorkerStart, shared: WorkerShared, send: Send) {
    this.config = start.config
    this.start = start
    this.shared = shared
    this.send = send
    const { clock } = shared
    this.desk = new Desk({
      clock,
      atEndOfTurn: sendAtEndOfTurn,
      send: (report) => send({ type: 'report', ...report }),
    })
    this.parts = buildParts(start, { shared, desk: this.desk, send })
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'listen':
        void this.listen(message.ports)
        return
      case 'account':
        // Figures of one moment: what is in flight belongs to them.
        this.desk.flush()
        return this.send({ type: 'account', id: message.id, account: this.account() })
      case 'drain':
        void Promise.all(this.listeners.map((listener) => listener.drain())).then(() => this.done(message.id))
        return
      default:
        return this.receiveForPool(message)
    }
  }

  private receiveForPool(message: Extract<ToWorker, { pool: string }>): void {
    const part = this.parts.get(message.pool)
    if (!part) return
    const { pool } = part
    switch (message.type) {
      case 'changed':
        return pool.changed(message.state, message.route)
      case 'probe-started':
        return pool.probeStarted(message.upstream, message.at)
      case 'probe-ended':
        return pool.probeEnded(message.upstream, message.result, message.sentAt)
      case 'doubt-settled':
        return pool.doubtSettled()
      case 'place-freed':
        return part.places.get(message.upstream)?.freedElsewhere()
      default:
        for (const control of pool.ledger(message.upstream).traffic) this.order(control, message)
        return
    }
  }

  private order(control: TrafficControl, order: TrafficOrder): void {
    switch (order.type) {
      case 'abandon-waiting':
        return control.abandonWaiting(order.detail)
      case 'close-requests':
        return control.closeRequests()
      case 'close-tunnels':
        return control.closeTunnels(order.spread)
      case 'preconnect':
        return control.preconnect(order.count, () => this.done(order.id))
    }
  }

  private done(id: number): void {
    this.send({ type: 'done', id })
  }

  private async listen(ports: Ports): Promise<void> {
    try {
      const entries = Object.entries(this.config.listeners).filter(([, { listen }]) => this.takesPart(listen.kind))
      const carried = { shared: this.shared, traffic: (pool: string) => this.parts.get(pool)?.traffic ?? null }
      this.listeners = await Promise.all(
        entries.map(([name, config]) => buildListener(name, config, carried, this.shareOf(name, ports))),
      )
      const listeners = await Promise.all(
        this.listeners.map((listener) => bindListener(listener, this.config.listeners)),
      )
      this.send({ type: 'listening', listeners })
    } catch (error) {
      const hint = error instanceof StartError ? error.hint : 'See the log.'
      this.send({ type: 'cannot-start', message: error instanceof Error ? error.message : String(error), hint })
    }
  }

  /** A unix socket can belong to one thread only. */
  private takesPart(kind: 'tcp' | 'unix'): boolean {
    return kind === 'tcp' || this.start.index === 0
  }

  private shareOf(name: string, ports: Ports): ListenerShare {
    const { shares, index } = this.start
    const own = shares.listeners[name]
    if (!own) throw new Error(`listener ${name} has no share`)
    return {
      connections: new SharedAllowance(own.connections, index),
      threads: shares.threads,
      sockets: socketsEach(this.config.listeners),
      port: ports[name] ?? null,
      ticketKeys: Buffer.from(own.ticketKeys),
    }
  }

  private account(): Account {
    return {
      pools: [...this.parts].map(([pool, { pool: own }]) => ({
        pool,
        counts: own.counters.takeTraffic(),
        upstreams: [...own.ledgers.values()].map(({ id, counters }) => ({
          upstream: id,
          counts: counters.takeTraffic(),
        })),
      })),
      listeners: this.listeners.map((listener) => ({
        name: listener.name,
        open: listener.open,
        turnedAway: listener.turnedAway,
      })),
    }
  }
}

const hearingsOf = (
  moments: Readonly<Record<string, SharedMoments>>,
  index: number,
): ReadonlyMap<UpstreamId, SharedHearing> =>
  new Map(Object.entries(moments).map(([upstream, own]) => [upstreamId(upstream), new SharedHearing(own, index)]))

function placesOf(
  pool: string,
  counts: Readonly<Record<string, SharedPlaceCount>>,
  { index, send }: Readonly<{ index: number; send: Send }>,
): ReadonlyMap<string, SharedPlaces> {
  return new Map(
    Object.entries(counts).map(([upstream, count]) => {
      const tell = (): void => send({ type: 'place-freed', pool, upstream: upstreamId(upstream) })
      return [upstream, new SharedPlaces(count, index, tell)]
    }),
  )
}

/** Who may connect to whom is different in each pool. */
type WorkerShared = Omit<TrafficShared, 'allowance'>
type Setting = Readonly<{ shared: WorkerShared; desk: Desk; send: Send }>

function buildParts(start: WorkerStart, { shared, desk, send }: Setting): ReadonlyMap<string, Part> {
  const { config, news, shares, index } = start
  const { clock, watchTimer } = shared
  const control = controlThrough(send)
  const build = (name: string): Part => {
    const [settings, known, share] = [config.pools[name], news[name], shares.pools[name]]
    if (!settings || !known || !share) throw new Error(`pool ${name} is not known here`)
    const room = {
      requests: new SharedAllowance(share.requests, index),
      bytes: new SharedAllowance(share.bytes, index),
    }
    const pool = new WorkerPool({
      name,
      news: known,
      surveillance: surveillanceOf(settings),
      hold: settings.hold,
      room,
      doubts: new SharedDoubt(share.doubts, index),
      hearings: hearingsOf(share.hearings, index),
      clock,
      watchTimer,
      control,
      desk,
    })
    const places = placesOf(name, share.places, { index, send })
    const allowance = (_pool: string, upstream: UpstreamConfig) => places.get(upstream.name) ?? UNLIMITED
    const traffic = buildTraffic(settings, reachedUpstreams(settings, shared.names), pool, { ...shared, allowance })
    return { pool, traffic, places }
  }
  return new Map(Object.keys(config.pools).map((name) => [name, build(name)]))
}

const controlThrough = (send: Send): PoolControl => ({
  probeNow: (pool, upstream) => send({ type: 'probe-now', pool, upstream }),
  convicted: (pool, upstream, found) => send({ type: 'convicted', pool, upstream, ...found }),
  doubtSettled: (pool) => send({ type: 'doubt-settled', pool }),
  trialWorse: (pool, upstream, found) => send({ type: 'trial-worse', pool, upstream, ...found }),
})
