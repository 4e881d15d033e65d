/** Long random sequences over one to four upstreams: the invariants hold, and the same events give the same state. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PoolEvent } from '../../src/core/events.ts'
import type { PoolState } from '../../src/core/pool.ts'
import { newPool } from '../../src/core/pool.ts'
import { transition } from '../../src/core/transition.ts'
import { everything } from './support/alphabet.ts'
import type { PolicyChange } from './support/build.ts'
import { ALL, policy, START, tick, upstreams } from './support/build.ts'
import { checkSwitchEnds } from './support/explore.ts'
import type { World } from './support/invariants.ts'
import { take } from './support/invariants.ts'
import { Stage } from './support/stage.ts'

const REPEATABLE = { seed: 20_260_101, numRuns: 250 }

const anyPolicy: fc.Arbitrary<PolicyChange> = fc.record({
  kind: fc.constantFrom('stateless', 'singleWriter'),
  failover: fc.constantFrom('automatic', 'manual', 'observe'),
  failback: fc.record({
    mode: fc.constantFrom('automatic', 'manual', 'never'),
    after: fc.constantFrom(0, 50, 30_000),
    ramp: fc.constantFrom(0, 30, 10_000),
  }),
  health: fc.record({ healthy: fc.integer({ min: 1, max: 3 }), unhealthy: fc.integer({ min: 1, max: 3 }) }),
  hooks: fc.record({ fence: fc.boolean(), promote: fc.boolean() }),
})

const play = fc.record({
  change: anyPolicy,
  count: fc.integer({ min: 1, max: 4 }),
  choices: fc.array(fc.nat(10_000), { minLength: 20, maxLength: 60 }),
})

type Play = { change: PolicyChange; count: number; choices: readonly number[] }

/** Plays one sequence with all checks; the events that it was made of, and every state on the way. */
function run({ change, count, choices }: Play): { events: PoolEvent[]; worlds: World[]; stage: Stage } {
  const stage = new Stage({ ...change, count })
  const letters = everything(ALL.slice(0, count))
  const events: PoolEvent[] = [tick(START)]
  const worlds: World[] = [stage.world]
  let world = stage.world
  for (const choice of choices) {
    const event = letters[choice % letters.length]?.event(world)
    if (!event) continue
    world = take(world, event, stage.policy).world
    events.push(event)
    worlds.push(world)
  }
  return { events, worlds, stage }
}

describe('any sequence of events', () => {
  it('keeps the invariants, and a switch ends wherever it is cut', () => {
    fc.assert(
      fc.property(play, (played) => {
        const { worlds, stage } = run(played)
        for (const world of worlds) checkSwitchEnds(world, stage.policy)
      }),
      REPEATABLE,
    )
  })

  it('gives the same state when it is replayed, by way of JSON at every step', () => {
    fc.assert(
      fc.property(play, (played) => {
        const { events, worlds } = run(played)
        const orders = policy(played.change)
        let state: PoolState = newPool('shop', upstreams(played.count), null, START)
        for (const event of JSON.parse(JSON.stringify(events))) {
          state = transition(JSON.parse(JSON.stringify(state)), event, orders).state
        }
        expect(state).toEqual(worlds.at(-1)?.state)
      }),
      { ...REPEATABLE, numRuns: 60 },
    )
  })

  it('depends on how much time passes, and not on when', () => {
    fc.assert(
      fc.property(play, fc.constantFrom(1, 86_400_000), (played, shift) => {
        const { events, worlds } = run(played)
        const orders = policy(played.change)
        let state = newPool('shop', upstreams(played.count), null, START)
        for (const event of events) state = transition(state, event, orders).state
        let later = shifted(newPool('shop', upstreams(played.count), null, START), shift)
        for (const event of events) later = transition(later, shifted(event, shift), orders).state
        expect(decisions(later)).toEqual(decisions(worlds.at(-1)?.state ?? state))
      }),
      { ...REPEATABLE, numRuns: 60 },
    )
  })
})

const decisions = ({ phase, epoch, automation, decision }: PoolState) => ({
  phase,
  epoch,
  automation,
  cause: decision.cause,
  to: decision.to,
  reason: decision.reason,
})

/** The same, with every instant moved. Instants are told from other numbers by their size. */
function shifted<Value>(value: Value, by: number): Value {
  const move = (_key: string, part: unknown) => (typeof part === 'number' && part >= START ? part + by : part)
  return JSON.parse(JSON.stringify(value), move)
}
