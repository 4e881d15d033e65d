/** How a pool begins: fresh, or where it was before a restart. */
import { describe, expect, it } from 'vitest'
import { epoch } from '../../src/core/epoch.ts'
import type { Restored } from '../../src/core/pool.ts'
import { upstreamId } from '../../src/core/upstream.ts'
import { BLUE, BOTH_HOOKS, GREEN } from './support/build.ts'
import { Stage } from './support/stage.ts'

const restored = (change: Partial<Restored> = {}): Restored => ({
  active: GREEN,
  last: null,
  resume: null,
  admin: new Map(),
  epoch: epoch(7),
  pinned: false,
  paused: false,
  ...change,
})

describe('a fresh pool', () => {
  it('serves from the first upstream before anything was probed', () => {
    const stage = new Stage()
    expect(stage.route).toEqual({ epoch: 1, active: BLUE, fallback: null, gate: 'open', automatic: true, trial: null })
    expect(stage.state.decision).toMatchObject({ cause: 'start', from: null, to: BLUE, pinned: false })
  })

  it('publishes its route at the first tick', () => {
    expect(new Stage().effect('publish')).toMatchObject({ route: { active: BLUE } })
  })

  it('leaves a primary that was dead at the start as soon as the probes know', () => {
    const stage = new Stage().probed(GREEN, 'pass').probed(BLUE, 'fail')
    expect(stage.active).toBe(GREEN)
  })
})

describe('a pool that nobody served before the restart', () => {
  const nobody = restored({ active: null, last: BLUE })

  it('goes on without an active, under the same epoch, until a probe passes', () => {
    const stage = new Stage({ restored: nobody })
    expect(stage.route).toMatchObject({ active: null, gate: 'hold', epoch: 7 })
    expect(stage.probed(GREEN, 'pass').route).toMatchObject({ active: GREEN, epoch: 8 })
  })

  it('still fences the writer that served last', () => {
    const stage = new Stage({ kind: 'singleWriter', hooks: BOTH_HOOKS, restored: nobody }).probed(GREEN, 'pass')
    expect(stage.asked).toEqual(['cut', 'fence'])
    expect(stage.state).toMatchObject({ phase: 'switching', last: BLUE, to: GREEN })
  })

  it('goes on with a switch that the restart interrupted, before any probe', () => {
    const halfway = restored({ active: null, last: BLUE, resume: GREEN })
    const stage = new Stage({ kind: 'singleWriter', hooks: BOTH_HOOKS, restored: halfway })
    expect(stage.asked).toEqual(['cut', 'fence'])
    expect(stage.hook('fence').hook('promote').probed(GREEN, 'pass').route).toMatchObject({ active: GREEN, epoch: 8 })
  })

  it('waits with it while automation is paused', () => {
    const halfway = restored({ active: null, last: BLUE, resume: GREEN, paused: true })
    const stage = new Stage({ kind: 'singleWriter', hooks: BOTH_HOOKS, restored: halfway }).allFit()
    expect(stage.active).toBeNull()
    stage.told({ name: 'resume' })
    expect(stage.state).toMatchObject({ phase: 'switching', last: BLUE, to: GREEN })
  })

  it('takes whoever is fit when the interrupted switch fails', () => {
    const halfway = restored({ active: null, last: BLUE, resume: GREEN })
    const stage = new Stage({ kind: 'singleWriter', hooks: BOTH_HOOKS, restored: halfway }).hook('fence', false)
    expect(stage.probed(BLUE, 'pass').wait(5_000).active).toBe(BLUE)
  })

  it('begins as configured when it is not known who served last', () => {
    expect(new Stage({ restored: restored({ active: null }) }).route).toMatchObject({ active: BLUE, epoch: 8 })
  })
})

describe('a restored pool', () => {
  it('keeps out what an operator took out', () => {
    const stage = new Stage({ restored: restored({ admin: new Map([[BLUE, 'draining']]) }) }).allFit()
    expect(stage.waitFit(60_000, BLUE, GREEN).active).toBe(GREEN)
    expect(stage.state.upstreams[0]?.admin.state).toBe('draining')
  })

  it('continues with the same active and the same epoch', () => {
    const stage = new Stage({ restored: restored() })
    expect(stage.state).toMatchObject({ active: GREEN, epoch: 7, automation: 'on', decision: { cause: 'restored' } })
  })

  it('leaves the restored active when it is unfit', () => {
    const stage = new Stage({ restored: restored() }).probed(BLUE, 'pass').probed(GREEN, 'fail')
    expect(stage.state).toMatchObject({ active: BLUE, epoch: 8 })
  })

  it('fails back from it like from any other', () => {
    expect(new Stage({ restored: restored() }).waitFit(60_000, BLUE, GREEN).active).toBe(BLUE)
  })

  it('remembers that an operator chose it, and that the pool was paused', () => {
    const pinned = new Stage({ restored: restored({ pinned: true }) })
    expect(pinned.waitFit(60_000, BLUE, GREEN).active).toBe(GREEN)
    expect(new Stage({ restored: restored({ paused: true }) }).state.automation).toBe('paused')
  })

  it.each([
    ['is not configured any more', upstreamId('violet')],
    ['was nobody', null],
  ])('begins a new epoch with the first upstream when the last active %s', (_why, active) => {
    const stage = new Stage({ restored: restored({ active, pinned: true }) })
    expect(stage.state).toMatchObject({ active: BLUE, epoch: 8, decision: { cause: 'start', pinned: false } })
  })
})
