/**
 * Owns one pool's state: feeds events to the core, publishes the route and carries out the effects. Everything that
 * changes a pool goes through `dispatch`, one event at a time.
 */
import type { Doubt } from '../core/doubt.ts'
import type { Conviction } from '../core/ejection.ts'
import type { Epoch } from '../core/epoch.ts'
import type { Command, CommandReply, Effect, HookName, Notice, Origin, PoolEvent } from '../core/events.ts'
import type { ProbeResult } from '../core/health.ts'
import type { PoolPolicy } from '../core/policy.ts'
import type { PoolState, Restored } from '../core/pool.ts'
import { newPool } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import { routeOf } from '../core/route.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import { transition } from '../core/transition.ts'
import type { Upstream, UpstreamId } from '../core/upstream.ts'
import { PoolCounters } from './counters.ts'
import { FailbackTrial } from './failback-trial.ts'
import { GroundsKeeper } from './grounds.ts'
import type { HoldLimits } from './hold.ts'
import { Hold } from './hold.ts'
import type { UpstreamLedger } from './ledger.ts'
import type { SurveillancePolicy } from './lookout.ts'
import { mustSurvive } from './state-store.ts'
import type { SurveyedPool } from './surveillance.ts'
import { Surveillance } from './surveillance.ts'
import { SwitchFigures } from './switch-figures.ts'
import { TrafficOrders } from './traffic-orders.ts'
import type { TrafficPool } from './traffic-pool.ts'
import type { WatchTimer } from './watch-timer.ts'

/** What connections opened ahead may cost an operator's command. */
const PREPARE_WITHIN = 250

export type HookRun = Readonly<{ hook: HookName; pool: string; from: UpstreamId; to: UpstreamId; epoch: number }>

export type PoolRuntimeOptions = Readonly<{
  name: string
  upstreams: readonly [Upstream, ...Upstream[]]
  policy: PoolPolicy
  surveillance: SurveillancePolicy
  hold: HoldLimits
  restored: Restored | null
  clock: Clock
  watchTimer: WatchTimer
  onNotice(notice: Notice): void
  /** For traffic that is carried elsewhere. `route`: null where it is still the same. */
  onChange?(state: PoolState, route: Route | null): void
  /** Called whenever what must survive a restart has changed. */
  persist(state: PoolState): void
  runHook(run: HookRun): Promise<Readonly<{ ok: boolean; detail: string }>>
}>

export class PoolRuntime implements TrafficPool, SurveyedPool {
  readonly name: string
  readonly counters = new PoolCounters()
  readonly hold: Hold
  readonly policy: PoolPolicy
  readonly trial: FailbackTrial
  route: Route
  private current: PoolState
  private readonly options: PoolRuntimeOptions
  private readonly clock: Clock
  private readonly surveillance: Surveillance
  private readonly orders: TrafficOrders
  private readonly grounds: GroundsKeeper
  private readonly figures: SwitchFigures
  private probeNow: (upstream: UpstreamId) => void = () => {}
  private wake: Readonly<{ at: Millis; cancel: Cancel }> | null = null
  private readonly queue: PoolEvent[] = []
  private dispatching = false
  private heldElsewhere = 0
  private stopped = false

  constructor(options: PoolRuntimeOptions) {
    const { name, upstreams, policy, restored, clock } = options
    const now = clock.now()
    this.options = options
    this.name = name
    this.policy = policy
    this.clock = clock
    this.hold = new Hold(options.hold, clock)
    this.trial = new FailbackTrial((upstream, detail) => this.trialWorse(upstream, this.current.epoch, detail))
    this.current = newPool(name, upstreams, restored, now)
    this.route = routeOf(this.current, policy, now)
    const ids = upstreams.map(({ id }) => id)
    this.surveillance = new Surveillance(ids, options.surveillance, options, this)
    this.orders = new TrafficOrders(this.surveillance.ledgers, clock)
    this.grounds = new GroundsKeeper(this.surveillance.ledgers)
    this.figures = new SwitchFigures(this.counters, this.surveillance.ledgers)
  }

  get state(): PoolState {
    return this.current
  }

  ledger(id: UpstreamId): UpstreamLedger {
    const ledger = this.surveillance.ledgers.get(id)
    if (!ledger) throw new Error(`pool ${this.name} has no upstream ${id}`)
    return ledger
  }

  /** Requests and sessions that wait. */
  get held(): number {
    return this.hold.size + this.heldElsewhere
  }

  heldElsewhereChanged(by: number): void {
    this.heldElsewhere += by
  }

  get doubt(): Doubt {
    return this.surveillance.doubt
  }

  doubtAt(now: Millis): Doubt {
    return this.surveillance.doubtAt(now)
  }

  start(probeNow: (upstream: UpstreamId) => void): void {
    this.probeNow = probeNow
    this.options.persist(this.current)
    this.dispatch({ type: 'tick', at: this.clock.now() })
    this.surveillance.start(probeNow)
  }

  stop(): void {
    this.stopped = true
    this.surveillance.stop()
    this.wake?.cancel()
    this.orders.stop()
    this.hold.expireAll()
  }

  command(command: Command, origin: Origin): CommandReply {
    const reply = this.dispatch({ type: 'command', at: this.clock.now(), command, origin })
    return reply ?? { ok: true, changed: false }
  }

  /**
   * Before a command that would move the active at once: opens connections to whom it would move to. Resolves when they
   * are open, or not to be had, or have taken too long.
   */
  async prepare(command: Command, origin: Origin): Promise<void> {
    const { clock, policy } = this
    const event = { type: 'command', at: clock.now(), command, origin } as const
    const { active, gate } = routeOf(transition(this.current, event, policy).state, policy, event.at)
    if (active === null || active === this.route.active || gate === 'hold') return
    await new Promise<void>((resolve) => {
      const cancel = clock.after(PREPARE_WITHIN, resolve)
      this.preconnect(active, () => {
        cancel()
        resolve()
      })
    })
  }

  private preconnect(to: UpstreamId, done: () => void): void {
    const { held } = this
    this.orders.preconnect(to, { active: this.route.active, held }, done)
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    this.surveillance.probeStarted(id, at)
  }

  probed(id: UpstreamId, result: ProbeResult, sentAt: Millis): void {
    if (this.stopped) return
    const news = this.surveillance.probed(this.ledger(id), result, sentAt)
    if (news) this.dispatch({ type: 'probe-result', at: this.clock.now(), upstream: id, result, ...news })
  }

  convicted(upstream: UpstreamId, conviction: Conviction): void {
    const { epoch } = this.current
    this.grounds.convicted(upstream, conviction)
    this.dispatch({ type: 'convicted', at: this.clock.now(), upstream, epoch, conviction })
  }

  /** Found where its traffic is carried elsewhere, under the route of that epoch. */
  convictedElsewhere(upstream: UpstreamId, conviction: Conviction, epoch: Epoch): void {
    if (epoch === this.current.epoch) this.surveillance.convict(upstream, conviction)
  }

  trialWorse(upstream: UpstreamId, epoch: Epoch, detail: string): void {
    this.dispatch({ type: 'trial-worse', at: this.clock.now(), upstream, epoch, detail })
  }

  /** On a fresh connection, as one of those wants it who carry its traffic elsewhere. */
  requestProbe(upstream: UpstreamId): void {
    this.surveillance.requestProbe(upstream)
  }

  doubtSettled(): void {
    // Not from within the connection that has just been heard.
    queueMicrotask(() => this.hold.offer(this.route))
  }

  /** One event at a time: what an effect sets off waits until all effects of the event before it are carried out. */
  private dispatch(event: PoolEvent): CommandReply | null {
    if (this.stopped) return null
    if (this.dispatching) {
      this.queue.push(event)
      return null
    }
    this.dispatching = true
    try {
      const reply = this.apply(event)
      for (let next = this.queue.shift(); next; next = this.queue.shift()) this.apply(next)
      return reply
    } finally {
      // An effect that throws must not leave the pool deaf to everything after it.
      this.dispatching = false
    }
  }

  private apply(event: PoolEvent): CommandReply | null {
    const before = this.current
    const { state, effects, reply } = transition(before, event, this.policy)
    this.current = state
    this.figures.changed(before, state, event.at)
    if (state.epoch !== before.epoch) this.surveillance.activeChanged()
    if (mustSurvive(before, state)) this.options.persist(state)
    if (state !== before && effects[0]?.type !== 'publish') this.options.onChange?.(state, null)
    for (const effect of effects) this.carryOut(effect)
    return reply
  }

  private carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'publish':
        return this.publish(effect.route)
      case 'retire':
        return this.orders.retire(effect.upstream, effect.retirement)
      case 'cut':
        return this.orders.cut(effect.upstream)
      case 'await-drain': {
        const { upstream, epoch } = effect
        return this.orders.drain(upstream, () =>
          this.dispatch({ type: 'drained', at: this.clock.now(), upstream, epoch }),
        )
      }
      case 'run-hook': {
        const { hook, from, to, epoch } = effect
        this.options
          .runHook({ hook, pool: this.name, from, to, epoch })
          .then(({ ok, detail }) =>
            this.dispatch({ type: 'hook-finished', at: this.clock.now(), hook, epoch, ok, detail }),
          )
        return
      }
      case 'preconnect': {
        const { upstream } = effect
        const { epoch } = this.current
        return this.preconnect(upstream, () =>
          this.dispatch({ type: 'preconnected', at: this.clock.now(), upstream, epoch }),
        )
      }
      case 'probe-now':
        return this.probeNow(effect.upstream)
      case 'wake-at':
        return this.wakeAt(effect.at)
      case 'announce':
        return this.announce(effect.notice)
    }
  }

  private publish(route: Route): void {
    this.route = route
    this.surveillance.follow(route)
    if (route.active) this.orders.callBack(route.active)
    if (route.trial) this.orders.callBack(route.trial.upstream)
    this.trial.follow(route)
    this.options.onChange?.(this.current, route)
    this.hold.offer(route)
  }

  /** An earlier moment stands: waking up too early costs one look, too late a decision. */
  private wakeAt(at: Millis): void {
    if (this.wake && this.wake.at <= at) return
    this.wake?.cancel()
    const cancel = this.clock.after(at - this.clock.now(), () => {
      this.wake = null
      // Timers may fire a fraction of a millisecond early; the moment asked for has come all the same.
      this.dispatch({ type: 'tick', at: ms(Math.max(at, this.clock.now())) })
    })
    this.wake = { at, cancel }
  }

  private announce(notice: Notice): void {
    this.figures.announced(notice)
    this.options.onNotice(this.grounds.attach(notice, this.clock.now()))
  }
}
