/**
 * Decides when each upstream of one pool is probed: regularly, sooner while there is doubt, at once when asked. What
 * the results mean is decided elsewhere.
 */
import type { ProbeResult } from '../core/health.ts'
import { ineligible } from '../core/selection.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { Upstream, UpstreamId } from '../core/upstream.ts'
import type { Probe, ProbeTarget } from './probe.ts'

/** The part of a pool that a prober needs. `PoolRuntime` is one. */
export interface ProbedPool {
  readonly state: Readonly<{ upstreams: readonly Upstream[] }>
  probeStarted(id: UpstreamId, at: Millis): void
  probed(id: UpstreamId, result: ProbeResult, sentAt: Millis): void
}

export type ProberOptions = Readonly<{
  targets: readonly ProbeTarget[]
  probe: Probe
  interval: number
  timeout: number
  clock: Clock
  /** From 0 to 1, for jitter. */
  random: () => number
}>

/** Keeps many proxies, and many pools, from probing in step. Never later than configured: an idle pool learns of a hang so. */
const JITTER = 0.2
const DOUBT_DIVISOR = 5
const SHORTEST = 50
/** A burst of suspicions must not become a flood of connections. */
const MOST_AT_ONCE = 8

/** Between two turns of one upstream, ms: as long as they can get, regularly and while there is doubt. */
export const longestPauses = (interval: number): Readonly<{ regular: number; doubtful: number }> => ({
  regular: interval,
  doubtful: quickPause(interval),
})

const quickPause = (interval: number): number => Math.min(interval, Math.max(SHORTEST, interval / DOUBT_DIVISOR))

type Schedule = { readonly target: ProbeTarget; readonly running: Set<Cancel>; dueAt: Millis; cancel: Cancel | null }

export class Prober {
  private readonly options: ProberOptions
  private readonly clock: Clock
  private readonly pool: ProbedPool
  private readonly schedules = new Map<UpstreamId, Schedule>()
  private running = false

  constructor(options: ProberOptions, pool: ProbedPool) {
    this.options = options
    this.clock = options.clock
    this.pool = pool
    for (const target of options.targets) {
      this.schedules.set(target.id, { target, running: new Set(), dueAt: ms(0), cancel: null })
    }
  }

  start(): void {
    this.running = true
    for (const schedule of this.schedules.values()) this.turn(schedule)
  }

  /** Nothing is left open, no timer and no socket, and nothing more is reported. */
  stop(): void {
    this.running = false
    for (const schedule of this.schedules.values()) {
      schedule.cancel?.()
      for (const cancel of schedule.running) cancel()
      schedule.running.clear()
    }
  }

  /** A fresh probe at once, even while others are under way: for confirmation an older one is no answer. */
  probeNow(id: UpstreamId): void {
    const schedule = this.schedules.get(id)
    if (this.running && schedule) this.launch(schedule)
  }

  private turn(schedule: Schedule): void {
    this.launch(schedule)
    const factor = 1 - JITTER * this.options.random()
    this.arm(schedule, this.pause(schedule) * factor)
  }

  private arm(schedule: Schedule, delay: number): void {
    schedule.cancel?.()
    schedule.dueAt = ms(this.clock.now() + delay)
    schedule.cancel = this.clock.after(delay, () => this.turn(schedule))
  }

  private launch(schedule: Schedule): void {
    const { target, running } = schedule
    const { probe, timeout } = this.options
    const disabled = this.upstream(target.id)?.admin.state === 'disabled'
    if (disabled || running.size >= MOST_AT_ONCE) return
    const sentAt = this.clock.now()
    this.pool.probeStarted(target.id, sentAt)
    const cancel = probe(target, { timeout, clock: this.clock }, (result) => {
      running.delete(cancel)
      this.pool.probed(target.id, result, sentAt)
      this.hasten(schedule)
    })
    running.add(cancel)
  }

  /** A result that raises doubt does not wait for the turn that was planned without it. */
  private hasten(schedule: Schedule): void {
    if (!this.running) return
    const pause = this.pause(schedule)
    if (this.clock.now() + pause < schedule.dueAt && pause < this.options.interval) this.arm(schedule, pause)
  }

  private pause({ target }: Schedule): number {
    const { interval } = this.options
    const upstream = this.upstream(target.id)
    return upstream && isDoubtful(upstream, this.clock.now()) ? quickPause(interval) : interval
  }

  private upstream(id: UpstreamId): Upstream | undefined {
    return this.pool.state.upstreams.find((upstream) => upstream.id === id)
  }
}

/** A result or two may change who is fit, and traffic may wait for that. An upstream just enabled is looked at soon, too. */
function isDoubtful(upstream: Upstream, now: Millis): boolean {
  const why = ineligible(upstream, now)
  return upstream.health.last !== 'pass' || (why !== null && why.reason !== 'draining')
}
