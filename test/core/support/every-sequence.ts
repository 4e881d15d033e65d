/** The exhaustive tests of one kind of pool: which policies, from where, over which events, how long. */
import { describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import type { PoolPolicy } from '../../../src/core/policy.ts'
import { essentials, everything } from './alphabet.ts'
import type { PolicyChange } from './build.ts'
import { BLUE, BOTH_HOOKS, GREEN } from './build.ts'
import { explore } from './explore.ts'
import { Stage } from './stage.ts'

const PAIR = [BLUE, GREEN]
const ALL_EVENTS = everything(PAIR)
const ESSENTIALS = essentials(PAIR)

/** Where sequences begin: what would take too many events to get to. */
const BEGINNINGS: Readonly<Record<string, (change: PolicyChange) => Stage>> = {
  'nobody was probed yet': (change) => new Stage(change),
  'the standby serves and the primary is nearly due': (change) => {
    const restored = {
      active: GREEN,
      last: null,
      resume: null,
      admin: new Map(),
      epoch: epoch(7),
      pinned: false,
      paused: false,
    }
    return new Stage({ ...change, restored }).allFit(9)
  },
  'nobody serves': (change) => {
    const stage = new Stage(change).allFit().probed(GREEN, 'fail', { times: 2 })
    stage.told({ name: 'disable', upstream: BLUE, force: true })
    return stage
  },
  'paused with an unfit active': (change) => {
    const stage = new Stage(change).allFit()
    stage.told({ name: 'pause' })
    return stage.convicted(BLUE, 'errors')
  },
}

export function everySequence(kind: PoolPolicy['kind']): void {
  for (const failover of ['automatic', 'manual', 'observe'] as const) {
    for (const mode of ['automatic', 'manual', 'never'] as const) {
      const change: PolicyChange = { kind, failover, failback: { mode, after: 50 }, hooks: BOTH_HOOKS }
      describe(`failover ${failover}, failback ${mode}`, () => everyBeginning(change))
    }
  }
}

function everyBeginning(change: PolicyChange): void {
  it('the way back is nearly due and has a ramp, then up to 3 of the essential events', () => {
    if (change.kind === 'singleWriter') return
    const begin = BEGINNINGS['the standby serves and the primary is nearly due']
    const stage = begin?.({ ...change, failback: { ...change.failback, ramp: 30 } }) ?? new Stage()
    expect(explore(stage.world, stage.policy, ESSENTIALS, 5)).toBeGreaterThan(4 ** 5)
  })

  // The other modes differ by what they leave undone: shorter sequences show it.
  const length = change.failover === 'automatic' && change.failback?.mode === 'automatic' ? 3 : 2

  it(`both are fit, then up to ${length} of all events`, () => {
    const stage = new Stage(change).allFit()
    expect(explore(stage.world, stage.policy, ALL_EVENTS, length)).toBeGreaterThan(30 ** length)
  })

  it.each(Object.entries(BEGINNINGS))('%s, then up to 2 of all events', (_name, begin) => {
    const stage = begin(change)
    expect(explore(stage.world, stage.policy, ALL_EVENTS, 2)).toBeGreaterThan(ALL_EVENTS.length * 10)
  })

  it(`both are fit, then up to ${length + 2} of the essential events`, () => {
    const stage = new Stage(change).allFit()
    expect(explore(stage.world, stage.policy, ESSENTIALS, length + 2)).toBeGreaterThan(4 ** (length + 2))
  })
}
