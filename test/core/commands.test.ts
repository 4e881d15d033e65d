/** What operators ask for: it is done once, it is recorded, and what was forced is not undone. */
import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/core/events.ts'
import { BLUE, GREEN, RED } from './support/build.ts'
import { Stage } from './support/stage.ts'

const DONE = { ok: true, changed: true }
const NOTHING_TO_DO = { ok: true, changed: false }

const ORDERS: readonly Command[] = [
  { name: 'switchover', to: GREEN },
  { name: 'switchover', to: null },
  { name: 'failover', force: true },
  { name: 'drain', upstream: BLUE, force: false },
  { name: 'disable', upstream: BLUE, force: false },
]

describe.each(ORDERS)('$name $to$upstream', (order) => {
  it.each(['stateless', 'singleWriter'] as const)('takes a %s pool to the standby, once', (kind) => {
    const stage = new Stage({ kind }).allFit()
    expect(stage.told(order)).toEqual(DONE)
    expect(stage.told(order)).toEqual(NOTHING_TO_DO)
    if (kind === 'singleWriter') stage.drained(BLUE).probed(GREEN, 'pass')
    expect(stage.active).toBe(GREEN)
    expect(stage.state.decision).toMatchObject({ by: 'ann', reason: expect.stringContaining('maintenance') })
    expect(stage.told(order)).toEqual(NOTHING_TO_DO)
    expect(stage.active).toBe(GREEN)
  })
})

describe('switchover', () => {
  it('without a name goes to the most preferred standby that is fit', () => {
    const stage = new Stage({ count: 3 }).allFit().probed(GREEN, 'leaving')
    stage.told({ name: 'switchover', to: null })
    expect(stage.active).toBe(RED)
  })

  it('to the primary does not pin the pool there', () => {
    const stage = new Stage().allFit()
    stage.told({ name: 'switchover', to: GREEN })
    expect(stage.state.decision.pinned).toBe(true)
    stage.told({ name: 'switchover', to: BLUE })
    expect(stage.state.decision).toMatchObject({ pinned: false, cause: 'switchover' })
  })

  it('is explained by who asked, when no reason was given', () => {
    const stage = new Stage().allFit()
    stage.told({ name: 'switchover', to: GREEN }, { by: 'bob', why: '' })
    expect(stage.state.decision.reason).toBe('asked for by bob')
  })
})

describe('failback', () => {
  it('is refused when the pool is to stay where it is, and says what to do instead', () => {
    const stage = new Stage({ failback: { mode: 'never', after: 30_000 } }).allFit()
    expect(stage.told({ name: 'failback' })).toEqual(NOTHING_TO_DO)
    stage.told({ name: 'switchover', to: GREEN })
    expect(stage.told({ name: 'failback' })).toMatchObject({
      code: 'failback_is_off',
      hint: expect.stringContaining(BLUE),
    })
    expect(stage.active).toBe(GREEN)
  })

  it('returns to the primary at once, from wherever, and once', () => {
    const stage = new Stage({ count: 3 }).allFit()
    stage.told({ name: 'switchover', to: RED })
    expect(stage.told({ name: 'failback' })).toEqual(DONE)
    expect(stage.active).toBe(BLUE)
    expect(stage.told({ name: 'failback' })).toEqual(NOTHING_TO_DO)
  })

  it('that is under way already is not begun again', () => {
    const stage = new Stage({ kind: 'singleWriter', hooks: {} }).allFit()
    stage.told({ name: 'switchover', to: GREEN })
    stage.drained(BLUE).probed(GREEN, 'pass')
    expect(stage.told({ name: 'failback' })).toEqual(DONE)
    expect(stage.told({ name: 'failback' })).toEqual(NOTHING_TO_DO)
    expect(stage.state).toMatchObject({ phase: 'switching', to: BLUE })
  })
})

describe('failover by force', () => {
  const forced = () => {
    const stage = new Stage().allFit().probed(GREEN, 'fail', { times: 2 })
    expect(stage.told({ name: 'failover', force: true })).toEqual(DONE)
    return stage
  }

  it('leaves a fit primary for an unfit standby, and stays there', () => {
    const stage = forced().probed(GREEN, 'fail').probed(BLUE, 'pass')
    expect(stage.active).toBe(GREEN)
    expect(stage.state.attention).toMatchObject({ keptBecause: 'chosen' })
    expect(stage.told({ name: 'failover', force: true })).toEqual(NOTHING_TO_DO)
    expect(stage.told({ name: 'switchover', to: null })).toEqual(NOTHING_TO_DO)
  })

  it('does not protect the standby from new evidence', () => {
    expect(forced().convicted(GREEN, 'crash').active).toBe(BLUE)
    expect(forced().probed(GREEN, 'pass', { times: 2 }).probed(GREEN, 'fail', { times: 2 }).active).toBe(BLUE)
  })

  it('is not undone by failback', () => {
    expect(forced().waitFit(600_000, BLUE, GREEN).active).toBe(GREEN)
  })

  it('goes to a standby that was never probed, too', () => {
    const stage = new Stage().probed(BLUE, 'pass')
    expect(stage.told({ name: 'failover', force: true })).toEqual(DONE)
    expect(stage.active).toBe(GREEN)
    expect(stage.told({ name: 'failover', force: true })).toEqual(NOTHING_TO_DO)
  })

  it('works from an active that was never probed', () => {
    const stage = new Stage().probed(GREEN, 'pass')
    expect(stage.told({ name: 'failover', force: true })).toEqual(DONE)
    expect(stage.lastNotice('failover')).not.toHaveProperty('rule')
  })

  it('goes on to another standby when the one that serves is unfit', () => {
    const stage = new Stage({ count: 3, failover: 'manual' }).allFit()
    stage.told({ name: 'failover', force: true })
    stage.convicted(GREEN, 'crash')
    expect(stage.told({ name: 'failover', force: false })).toEqual(DONE)
    expect(stage.active).toBe(RED)
  })

  it('finds somebody when nobody is active', () => {
    const stage = new Stage().probed(BLUE, 'pass').probed(GREEN, 'fail').convicted(BLUE, 'crash')
    expect(stage.active).toBeNull()
    expect(stage.told({ name: 'failover', force: true })).toEqual(DONE)
    expect(stage.active).toBe(GREEN)
  })
})

describe('drain, disable and enable', () => {
  it('of a standby change nothing but the standby; disable closes its connections', () => {
    const stage = new Stage().allFit()
    expect(stage.told({ name: 'drain', upstream: GREEN, force: false })).toEqual(DONE)
    expect(stage.asked).toEqual([])
    expect(stage.told({ name: 'disable', upstream: GREEN, force: false })).toEqual(DONE)
    expect(stage.asked).toEqual(['cut'])
    expect(stage.told({ name: 'enable', upstream: GREEN, force: false })).toEqual(DONE)
    expect(stage.active).toBe(BLUE)
    expect(stage.lastNotice('admin-changed')).toMatchObject({
      upstream: GREEN,
      by: 'ann',
      text: expect.stringMatching(/^green is enabled: ./),
    })
  })

  it('let an active that is drained finish, and cut one that is disabled', () => {
    const drained = new Stage().allFit()
    drained.told({ name: 'drain', upstream: BLUE, force: false })
    expect(drained.asked).toEqual(['retire'])
    const disabled = new Stage().allFit()
    disabled.told({ name: 'disable', upstream: BLUE, force: false })
    expect(disabled.asked).toEqual(['retire', 'cut'])
  })

  it('take out even the last upstream when forced, paused or not', () => {
    for (const paused of [false, true]) {
      const stage = new Stage({ count: 1 }).allFit()
      if (paused) stage.told({ name: 'pause' })
      expect(stage.told({ name: 'disable', upstream: BLUE, force: true })).toEqual(DONE)
      expect(stage.active).toBeNull()
    }
  })

  it('bring a pool without an active back', () => {
    const stage = new Stage({ count: 1 }).allFit()
    stage.told({ name: 'disable', upstream: BLUE, force: true })
    stage.told({ name: 'enable', upstream: BLUE, force: false })
    expect(stage.active).toBe(BLUE)
  })
})

describe('pause and resume', () => {
  it('are done once', () => {
    const stage = new Stage().allFit()
    expect([stage.told({ name: 'pause' }), stage.told({ name: 'pause' })]).toEqual([DONE, NOTHING_TO_DO])
    expect([stage.told({ name: 'resume' }), stage.told({ name: 'resume' })]).toEqual([DONE, NOTHING_TO_DO])
  })
})
