/** A pool on a simulated clock: a test plays events on it and looks at what came of them. Every step is checked. */
import type { ConvictionRule } from '../../../src/core/ejection.ts'
import type { Command, CommandReply, Effect, HookName, Notice, PoolEvent } from '../../../src/core/events.ts'
import type { ProbeVerdict } from '../../../src/core/health.ts'
import type { PoolPolicy } from '../../../src/core/policy.ts'
import type { PoolState, Restored } from '../../../src/core/pool.ts'
import { activeOf, newPool } from '../../../src/core/pool.ts'
import type { Route } from '../../../src/core/route.ts'
import type { UpstreamId } from '../../../src/core/upstream.ts'
import type { PolicyChange } from './build.ts'
import {
  ALL,
  convicted,
  drained,
  hookFinished,
  OPERATOR,
  ordered,
  type ProbeChoice,
  policy,
  preconnected,
  probe,
  START,
  tick,
  upstreams,
} from './build.ts'
import type { World } from './invariants.ts'
import { take, worldOf } from './invariants.ts'

type StageOptions = PolicyChange & { count?: number; restored?: Restored }

export class Stage {
  readonly policy: PoolPolicy
  world: World
  /** Of the last event. */
  effects: readonly Effect[] = []
  /** Of all events. */
  readonly notices: Notice[] = []
  /** Connections opened ahead are open at once. */
  connects = true
  private reply: CommandReply | null = null
  private readonly ids: readonly UpstreamId[]

  constructor(options: StageOptions = {}) {
    const count = options.count ?? 2
    this.policy = policy(options)
    this.ids = ALL.slice(0, count)
    this.world = worldOf(newPool('shop', upstreams(count), options.restored ?? null, START), this.policy, START)
    this.play(tick(START))
  }

  get state(): PoolState {
    return this.world.state
  }

  get active(): UpstreamId | null {
    return activeOf(this.state)
  }

  get route(): Route {
    return this.world.route
  }

  get now(): number {
    return this.world.now
  }

  play(event: PoolEvent): this {
    const { world, step } = take(this.world, event, this.policy)
    this.world = world
    this.effects = step.effects
    this.reply = step.reply
    for (const effect of step.effects) if (effect.type === 'announce') this.notices.push(effect.notice)
    const opened = step.effects.find((effect) => effect.type === 'preconnect')
    // What a shell finds at a loopback address.
    if (opened && this.state.trial && this.connects)
      this.play(preconnected(this.now, opened.upstream, this.state.epoch))
    return this
  }

  probed(id: UpstreamId, verdict: ProbeVerdict, choice: ProbeChoice & { times?: number } = {}): this {
    for (let n = 0; n < (choice.times ?? 1); n++) this.play(probe(this.now + 10, id, verdict, choice))
    return this
  }

  /** Probes of every upstream pass, often enough for any threshold. */
  allFit(times = 2): this {
    for (let n = 0; n < times; n++) for (const id of this.ids) this.probed(id, 'pass')
    return this
  }

  convicted(id: UpstreamId, rule: ConvictionRule): this {
    return this.play(convicted(this.now + 10, id, rule, this.state.epoch))
  }

  told(command: Command, origin: { by: string; why: string } = OPERATOR): CommandReply {
    this.play(ordered(this.now + 10, command, origin))
    if (!this.reply) throw new Error('a command without an answer')
    return this.reply
  }

  drained(id: UpstreamId): this {
    return this.play(drained(this.now + 10, id, this.state.epoch))
  }

  hook(name: HookName, ok = true): this {
    return this.play(hookFinished(this.now + 10, name, this.state.epoch, ok))
  }

  /** Nothing happens but time: the wake-ups that were asked for come. */
  wait(duration: number): this {
    const end = this.now + duration
    while (this.world.wake !== null && this.world.wake <= end) this.play(tick(Math.max(this.now, this.world.wake)))
    return this.now < end ? this.play(tick(end)) : this
  }

  /** Time passes and the probes of these upstreams go on passing, every 500 ms. */
  waitFit(duration: number, ...ids: UpstreamId[]): this {
    const end = this.now + duration
    while (this.now + 500 <= end) {
      const next = this.now + 500
      this.wait(500 - ids.length)
      for (const [index, id] of ids.entries()) this.play(probe(next - ids.length + index + 1, id, 'pass'))
    }
    return this
  }

  effect<Type extends Effect['type']>(type: Type): Extract<Effect, { type: Type }> | undefined {
    return this.effects.find((effect): effect is Extract<Effect, { type: Type }> => effect.type === type)
  }

  /** What was asked of the shell last, in order, without what every step asks for. */
  get asked(): string[] {
    const own = this.effects.filter(({ type }) => type !== 'announce' && type !== 'wake-at' && type !== 'publish')
    return own.map((effect) => (effect.type === 'run-hook' ? effect.hook : effect.type))
  }

  lastNotice(type: Notice['type']): Notice | undefined {
    return this.notices.findLast((notice) => notice.type === type)
  }
}
