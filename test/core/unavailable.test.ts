/** Nobody is active: how that comes about, how it ends, and whom it takes in the last resort. */
import { describe, expect, it } from 'vitest'
import { BLUE, GREEN } from './support/build.ts'
import { Stage } from './support/stage.ts'

/** The standby is unfit, then the active crashes. */
const down = () => new Stage().allFit().probed(GREEN, 'fail', { times: 2 }).convicted(BLUE, 'crash')

describe('a pool without a fit upstream', () => {
  it('has no active after a crash, holds requests, and says what is wrong with each', () => {
    const stage = down()
    expect(stage.state).toMatchObject({ phase: 'unavailable', epoch: 2 })
    expect(stage.route).toMatchObject({ active: null, fallback: null, gate: 'hold', automatic: true })
    expect(stage.lastNotice('unavailable')?.text).toBe(
      'nobody can take over: blue is ejected by rule crash (evidence of crash); green is unhealthy by its probes (connection refused)',
    )
  })

  it('recovers at the first probe that passes, ejection and thresholds notwithstanding', () => {
    const stage = down().probed(BLUE, 'pass')
    expect(stage.active).toBe(BLUE)
    expect(stage.state.epoch).toBe(3)
    expect(stage.lastNotice('recovered')).toMatchObject({ from: null, to: BLUE })

    expect(down().probed(GREEN, 'pass').active).toBe(GREEN)
  })

  it('is not taken in by probes that fail, by time alone, or by what an operator took out', () => {
    const stage = down().probed(BLUE, 'fail').wait(60_000)
    expect(stage.active).toBeNull()
    stage.told({ name: 'disable', upstream: BLUE, force: false })
    expect(stage.probed(BLUE, 'pass', { times: 5 }).active).toBeNull()
  })

  it('does not punish a recovery: it is no failover', () => {
    expect(down().probed(BLUE, 'pass').state.damping.points).toBe(0)
  })
})

describe('a last resort', () => {
  it('stays active while it answers, though its ejection is not over', () => {
    const stage = down().probed(BLUE, 'pass')
    for (let n = 0; n < 5; n++) {
      stage.probed(BLUE, 'pass')
      expect(stage.active).toBe(BLUE)
    }
    expect(stage.state.epoch).toBe(3)
    expect(stage.state.attention).toMatchObject({ keptBecause: 'no-candidate', unfit: { reason: 'ejected' } })
  })

  it('is left as soon as somebody is fit', () => {
    const stage = down().probed(BLUE, 'pass').probed(GREEN, 'pass', { times: 2 })
    expect(stage.active).toBe(GREEN)
  })

  it('is fit again when its ejection is over', () => {
    const stage = down().probed(BLUE, 'pass').probed(BLUE, 'pass').wait(1_000)
    expect(stage.state).toMatchObject({ phase: 'serving', attention: null })
    expect(stage.lastNotice('active-fit')).toBeDefined()
  })

  it('is taken away again when it crashes again', () => {
    expect(down().probed(BLUE, 'pass').convicted(BLUE, 'crash').active).toBeNull()
  })

  it('is better than going without: another that answers is taken at once', () => {
    const stage = new Stage().allFit().convicted(GREEN, 'errors').probed(GREEN, 'pass').convicted(BLUE, 'crash')
    expect(stage.active).toBe(GREEN)
    expect(stage.state.epoch).toBe(2)
    expect(stage.probed(GREEN, 'pass').active).toBe(GREEN)
  })
})

describe('whoever was active before a pool went without', () => {
  it('comes to its end when another takes over', () => {
    const stage = down().probed(GREEN, 'pass')
    expect(stage.effect('retire')).toMatchObject({ upstream: BLUE, retirement: { waiting: 'finish' } })
  })

  it('is left alone when it takes over itself', () => {
    expect(down().probed(BLUE, 'pass').asked).toEqual([])
  })

  it('is cut at once in a single-writer pool, long before another is published', () => {
    const stage = new Stage({ kind: 'singleWriter' }).allFit().probed(GREEN, 'fail', { times: 2 })
    expect(stage.convicted(BLUE, 'hang').asked).toEqual(['cut'])
    expect(stage.probed(GREEN, 'pass').active).toBeNull()
    expect(stage.asked).toContain('cut')
    expect(stage.probed(GREEN, 'pass').active).toBe(GREEN)
  })
})
