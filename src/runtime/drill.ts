/**
 * Rehearses a failover as far as that can be done without one: probes a standby and sends it requests of our own. What
 * comes of it is told to whoever asked, and to nobody else: no evidence, no health, no counter learns of it.
 */
import type { DrillFindings, DrillProbe, DrillRequest, DrillVerdict } from '../core/drill.ts'
import { judgeDrill } from '../core/drill.ts'
import type { ProbeResult } from '../core/health.ts'
import { activeOf } from '../core/pool.ts'
import { bestCandidate, describeIneligible, ineligible } from '../core/selection.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { Upstream, UpstreamId } from '../core/upstream.ts'
import type { PoolRuntime } from './pool-runtime.ts'

/** Requests to one upstream, one after the other or at the same time. */
export interface DrillTarget {
  /** Calls back once, by `deadline`, unless the target was closed first. */
  ask(deadline: Millis, done: (request: DrillRequest) => void): void
  close(): void
}

/** How a pool's upstreams are reached. */
export type DrillMeans = Readonly<{
  /** Asked for unless the order says otherwise; null where there are no paths (TCP). */
  path: string | null
  probe(upstream: UpstreamId, done: (result: ProbeResult) => void): Cancel
  open(upstream: UpstreamId, path: string): DrillTarget
}>

export type DrillOrder = Readonly<{ upstream: string | null; requests: number; path: string | null }>

export type DrillReport = Omit<DrillVerdict, 'slower'> &
  Readonly<{
    pool: string
    upstream: string
    path: string | null
    /** What does not speak against it, and should be known. */
    remarks: readonly string[]
    probes: readonly DrillProbe[]
    requests: readonly DrillRequest[]
  }>

export type DrillAnswer =
  | Readonly<{ ok: true; report: DrillReport }>
  | Readonly<{ ok: false; code: 'drill_in_progress' | 'unknown_upstream' | 'no_candidate'; message: string }>

/** All of it: whoever asked waits. */
const LONGEST = 8_000
/** For one answer. Longer than most take, and short enough for the deadline above. */
const LONGEST_ANSWER = 2_000
/** A standby may be cold. */
const AT_ONCE = 4
const FEWEST_PROBES = 3

export class Drill {
  private readonly runtime: PoolRuntime
  private readonly means: DrillMeans
  private readonly clock: Clock
  private readonly open = new Set<DrillTarget>()
  /** Ends the probe under way. */
  private endProbe: Cancel = () => {}
  private running = false
  private stopped = false

  constructor(runtime: PoolRuntime, means: DrillMeans, clock: Clock) {
    this.runtime = runtime
    this.means = means
    this.clock = clock
  }

  async run(order: DrillOrder): Promise<DrillAnswer> {
    const { name, state } = this.runtime
    const message = `Pool ${name} is being drilled already.`
    if (this.running) return { ok: false, code: 'drill_in_progress', message }
    const upstream = this.choose(order.upstream)
    if (!upstream) {
      if (order.upstream === null) {
        return { ok: false, code: 'no_candidate', message: `Pool ${name} has no upstream beside its active.` }
      }
      return { ok: false, code: 'unknown_upstream', message: `Pool ${name} has no upstream ${order.upstream}.` }
    }
    this.running = true
    try {
      const active = activeOf(state)
      return { ok: true, report: await this.rehearse(order, upstream, active === upstream.id ? null : active) }
    } finally {
      this.running = false
    }
  }

  /** Nothing stays open. */
  stop(): void {
    this.stopped = true
    this.endProbe()
    for (const target of this.open) target.close()
  }

  /** Whoever would take over; if nobody could, the first who might be expected to. */
  private choose(named: string | null): Upstream | null {
    const { state } = this.runtime
    if (named !== null) return state.upstreams.find(({ id }) => id === named) ?? null
    const active = activeOf(state)
    const others = state.upstreams.filter(({ id }) => id !== active)
    return bestCandidate(others, this.clock.now(), null) ?? others[0] ?? null
  }

  private async rehearse(order: DrillOrder, upstream: Upstream, active: UpstreamId | null): Promise<DrillReport> {
    const deadline = ms(this.clock.now() + LONGEST)
    const path = this.means.path === null ? null : (order.path ?? this.means.path)
    const ask = (id: UpstreamId) => this.askAll(this.means.open(id, path ?? ''), order.requests, deadline)
    const probes = await this.probeAll(upstream.id, deadline)
    // Both at the same time: what disturbs one of them disturbs the other, and the comparison stays fair.
    const [requests, others] = await Promise.all([ask(upstream.id), active === null ? null : ask(active)])
    const findings: DrillFindings = {
      upstream: upstream.id,
      wanted: order.requests,
      probes,
      requests,
      active: active === null || others === null ? null : { upstream: active, requests: others },
    }
    const { slower, ...verdict } = judgeDrill(findings)
    const remarks = [...this.remarks(upstream.id, order), ...(slower ? [`slower than ${active}`] : [])]
    return { pool: this.runtime.name, upstream: upstream.id, path, ...verdict, remarks, probes, requests }
  }

  /** One after the other, each on a socket of its own. */
  private async probeAll(id: UpstreamId, deadline: Millis): Promise<readonly DrillProbe[]> {
    const probes: DrillProbe[] = []
    const count = Math.max(FEWEST_PROBES, this.runtime.policy.health.healthy)
    while (probes.length < count && !this.stopped && this.clock.now() < deadline) {
      const probe = await this.probeOnce(id, deadline)
      if (probe === null) break
      probes.push(probe)
    }
    return probes
  }

  /** Null: it was still under way at the deadline. */
  private probeOnce(id: UpstreamId, deadline: Millis): Promise<DrillProbe | null> {
    const at = this.clock.now()
    return new Promise((resolve) => {
      this.endProbe = () => {
        expiry()
        cancel()
        resolve(null)
      }
      const expiry = this.clock.after(deadline - at, this.endProbe)
      const cancel = this.means.probe(id, ({ verdict, detail, latency }) => {
        expiry()
        resolve({ at, verdict, detail, latency })
      })
    })
  }

  private async askAll(target: DrillTarget, count: number, deadline: Millis): Promise<readonly DrillRequest[]> {
    const requests: DrillRequest[] = []
    let left = count
    // Whoever does not answer the first few is not asked for more: the verdict stands, and each would take its time.
    const hopeless = () =>
      requests.length > 0 && count - left >= AT_ONCE && requests.every(({ failure }) => failure !== null)
    const lane = async (): Promise<void> => {
      while (left > 0 && !this.stopped && !hopeless() && this.clock.now() < deadline) {
        left--
        const until = ms(Math.min(deadline, this.clock.now() + LONGEST_ANSWER))
        requests.push(await new Promise<DrillRequest>((resolve) => target.ask(until, resolve)))
      }
    }
    this.open.add(target)
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, lane))
    } finally {
      this.open.delete(target)
      target.close()
    }
    return requests
  }

  private remarks(id: UpstreamId, { path }: DrillOrder): readonly string[] {
    const { state, policy } = this.runtime
    const upstream = state.upstreams.find((each) => each.id === id)
    const unfit = upstream ? ineligible(upstream, this.clock.now()) : null
    const hooks = policy.hooks.fence || policy.hooks.promote
    return [
      ...(id === activeOf(state) ? [`${id} is the active, so it is compared with nobody`] : []),
      ...(unfit ? [`${id} is ${describeIneligible(unfit)}: as things are it would not take over`] : []),
      ...(state.automation === 'paused' ? ['automation is paused: nobody takes over by itself'] : []),
      ...(policy.failover === 'automatic' ? [] : [`failover is ${policy.failover}: nobody takes over by itself`]),
      ...(hooks ? ['the hooks of a switch were not run'] : []),
      ...(path !== null && this.means.path === null ? ['a TCP pool has no paths: connections were tried'] : []),
    ]
  }
}
