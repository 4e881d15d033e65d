/** How a pool begins: fresh, or where it was before a restart. */
import { describe, expect, it } from 'vitest'
import { epoch } from '../../src/core/epoch.ts'
import type { Restored } from '../../src/core/pool.ts'
import { upstreamId } from '../../src/core/upstream.ts'
import { BLUE, GREEN } from './support/build.ts'
import { Stage } from './support/stage.ts'

const restored = (change: Partial<Restored> = {}): Restored => ({
  active: GREEN,
  epoch: epoch(7),
  pinned: false,
  paused: false,
  ...change,
})

describe('a fresh pool', () => {
  it('serves from the first upstream before anything was probed', () => {
    const stage = new Stage()
    expect(stage.route).toEqual({ epoch: 1, active: BLUE, fallback: null, gate: 'open', automatic: true })
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

describe('a restored pool', () => {
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
