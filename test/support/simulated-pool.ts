/**
 * One pool, `blue` and `green`, with the real runtime and the real prober on a simulated clock. Upstreams behave as a
 * test tells them to; traffic is what a test puts into the ledgers. No socket, no real time.
 */
import type { CommandReply, Notice } from '../../src/core/events.ts'
import type { Failure, FailureKind } from '../../src/core/failure.ts'
import type { ProbeResult } from '../../src/core/health.ts'
import type { PoolPolicy } from '../../src/core/policy.ts'
import type { PoolState, Restored } from '../../src/core/pool.ts'
import { type Cancel, ms } from '../../src/core/time.ts'
import { newUpstream, type UpstreamId, upstreamId } from '../../src/core/upstream.ts'
import type { Probe } from '../../src/probe/probe.ts'
import { Prober } from '../../src/probe/prober.ts'
import type { UpstreamLedger } from '../../src/runtime/ledger.ts'
import { type HookRun, PoolRuntime } from '../../src/runtime/pool-runtime.ts'
import { WatchTimer } from '../../src/runtime/watch-timer.ts'
import { FakeClock } from './fake-clock.ts'
import { at } from './place.ts'
import { Wait } from './wait.ts'

export const blue = upstreamId('blue')
export const green = upstreamId('green')
export const operator = { by: 'test', why: '' }

/** `stopped`: the kernel connects, nobody answers; when it goes on, it answers whatever still waits. */
export type Behaviour = 'fine' | 'refuses' | 'resets' | 'stopped' | 'answers-503'

export const statelessPolicy: PoolPolicy = {
  kind: 'stateless',
  failover: 'automatic',
  gray: 'switch',
  failback: { mode: 'automatic', after: 30_000, ramp: 0 },
  health: { healthy: 2, unhealthy: 2 },
  drain: { timeout: 30_000, upgrade: 300_000, spread: 2_000, failover: 'cut' },
  hold: { time: 2_000 },
  hooks: { fence: false, promote: false, timeout: 10_000 },
}

export const singleWriterPolicy: PoolPolicy = {
  ...statelessPolicy,
  kind: 'singleWriter',
  failback: { mode: 'manual', after: 30_000, ramp: 0 },
}

export type Setup = Readonly<{ policy?: PoolPolicy; restored?: Restored; hangAfter?: number }>

type PendingHook = Readonly<{ run: HookRun; finish(result: { ok: boolean; detail: string }): void }>

export class SimulatedPool {
  readonly clock = new FakeClock()
  readonly notices: Notice[] = []
  readonly saved: PoolState[] = []
  /** What traffic was told to do, such as `blue closeRequests`. */
  readonly orders: string[] = []
  readonly hooks: PendingHook[] = []
  /** Of each upstream, as its traffic says. */
  connections = 5
  /** Connections opened ahead are open at once; else they never are. */
  connects = true
  readonly behaviour = new Map<UpstreamId, Behaviour>()
  /** Upstreams probed, with the moment. */
  readonly probes: { id: UpstreamId; at: number }[] = []
  private readonly waits = new Map<UpstreamLedger, Wait[]>()
  private readonly stopped = new Map<UpstreamId, Set<() => void>>()
  readonly pool: PoolRuntime
  readonly prober: Prober

  constructor({ policy = statelessPolicy, restored, hangAfter = 400 }: Setup = {}) {
    const { clock } = this
    this.pool = new PoolRuntime({
      name: 'shop',
      upstreams: [newUpstream(blue, 'primary', 0, clock.now()), newUpstream(green, 'standby', 1, clock.now())],
      policy,
      surveillance: { evidence: { gatewayErrors: 5, successRate: 0.5 }, hang: { hangAfter, widen: true }, gray: true },
      hold: { requests: 1_000, bytes: 1_000_000, time: policy.hold.time },
      restored: restored ?? null,
      clock,
      watchTimer: new WatchTimer(clock),
      onNotice: (notice) => this.notices.push(notice),
      persist: (state) => this.saved.push(state),
      runHook: (run) => new Promise((finish) => this.hooks.push({ run, finish })),
    })
    for (const id of [blue, green]) {
      this.behaviour.set(id, 'fine')
      this.pool.ledger(id).traffic.push({
        abandonWaiting: () => this.orders.push(`${id} abandonWaiting`),
        closeRequests: () => this.orders.push(`${id} closeRequests`),
        closeTunnels: (spread) => this.orders.push(`${id} closeTunnels ${spread}`),
        connections: this.connections,
        maxConnections: null,
        preconnect: (count, done) => {
          this.orders.push(`${id} preconnect ${count}`)
          if (this.connects) done()
        },
      })
    }
    const targets = [blue, green].map((id) => ({ id, ...at(80, id), tls: null }))
    const schedule = { interval: 500, timeout: 250, clock, random: () => 0 }
    this.prober = new Prober({ targets, probe: this.probe, ...schedule }, this.pool)
  }

  /** Started, and everybody probed. */
  static running(setup: Setup = {}): SimulatedPool {
    const simulated = new SimulatedPool(setup)
    simulated.start()
    simulated.clock.advance(1_000)
    return simulated
  }

  start(): void {
    this.pool.start((id) => this.prober.probeNow(id))
    this.prober.start()
  }

  switchover(): CommandReply {
    return this.pool.command({ name: 'switchover', to: green }, operator)
  }

  /** Also proves that nothing is left behind. */
  stop(): void {
    this.prober.stop()
    this.pool.stop()
    this.clock.assertIdle()
  }

  get active(): UpstreamId | null {
    return this.pool.route.active
  }

  set blue(behaviour: Behaviour) {
    this.behave(blue, behaviour)
  }

  set green(behaviour: Behaviour) {
    this.behave(green, behaviour)
  }

  private behave(id: UpstreamId, behaviour: Behaviour): void {
    this.behaviour.set(id, behaviour)
    if (behaviour !== 'stopped') for (const goOn of [...(this.stopped.get(id) ?? [])]) goOn()
  }

  said(type: Notice['type']): Notice[] {
    return this.notices.filter((notice) => notice.type === type)
  }

  /** Advances in steps of 1 ms until it holds; returns the milliseconds it took. */
  until(holds: () => boolean, deadline = 5_000): number {
    for (let waited = 0; waited <= deadline; waited++) {
      if (holds()) return waited
      this.clock.advance(1)
    }
    throw new Error(`did not come true within ${deadline} ms`)
  }

  /** A request is sent and has no byte of an answer yet. */
  send(id: UpstreamId, target = '/'): UpstreamLedger {
    const ledger = this.pool.ledger(id)
    const wait = new Wait()
    this.waits.set(ledger, [...(this.waits.get(ledger) ?? []), wait])
    ledger.attemptStarted()
    ledger.awaitAnswer(wait, { method: 'GET', target }, this.clock.now())
    return ledger
  }

  answer(ledger: UpstreamLedger, status = 200): void {
    ledger.heard(this.clock.now())
    const now = this.clock.now()
    const wait = this.waits.get(ledger)?.shift()
    if (wait) ledger.answerCame(wait, now)
    ledger.attemptAnswered(status, 'GET /', now)
    ledger.attemptDelivered(status, wait?.awaitedSince ?? now, now)
    ledger.attemptEnded()
  }

  connectFails(id: UpstreamId, kind: FailureKind = 'refused'): void {
    const ledger = this.pool.ledger(id)
    const failure: Failure = {
      phase: 'connecting',
      blame: 'upstream',
      connection: 'fresh',
      kind,
      detail: `connection ${kind}`,
      status: 0,
    }
    ledger.attemptStarted()
    ledger.attemptFailed(failure, 'GET /', this.clock.now())
    ledger.attemptEnded()
  }

  private readonly probe: Probe = ({ id }, { timeout, clock }, done) => {
    const sentAt = clock.now()
    this.probes.push({ id, at: sentAt })
    const reply = (delay: number, result: Omit<ProbeResult, 'latency'>) =>
      clock.after(delay, () => done({ ...result, latency: ms(clock.now() - sentAt) }))
    switch (this.behaviour.get(id) ?? 'fine') {
      case 'fine':
        return reply(1, PASS)
      case 'answers-503':
        return reply(1, { verdict: 'fail', failure: null, detail: '503 in 1 ms' })
      case 'refuses':
        return reply(0, { verdict: 'fail', failure: 'refused', detail: 'connection refused' })
      case 'resets':
        return reply(1, { verdict: 'fail', failure: 'reset', detail: 'the connection was closed before any answer' })
      case 'stopped':
        return this.wait(id, timeout, (result) => reply(0, result))
    }
  }

  private wait(id: UpstreamId, timeout: number, reply: (result: Omit<ProbeResult, 'latency'>) => Cancel): Cancel {
    const waiting = this.stopped.get(id) ?? new Set()
    this.stopped.set(id, waiting)
    const end = (result: Omit<ProbeResult, 'latency'>): void => {
      expiry()
      waiting.delete(goOn)
      cancel = reply(result)
    }
    const goOn = (): void => end(PASS)
    const silence = { verdict: 'fail', failure: 'timeout', detail: `no answer within ${timeout} ms` } as const
    const expiry = this.clock.after(timeout, () => this.clock.afterPendingIo(() => waiting.has(goOn) && end(silence)))
    waiting.add(goOn)
    let cancel: Cancel = () => {
      expiry()
      waiting.delete(goOn)
    }
    return () => cancel()
  }
}

const PASS = { verdict: 'pass', failure: null, detail: '200 in 1 ms' } as const
