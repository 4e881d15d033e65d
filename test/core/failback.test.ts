/** The automatic return to a preferred upstream: when it comes, and what keeps it away. */
import { describe, expect, it } from 'vitest'
import type { PolicyChange } from './support/build.ts'
import { BLUE, GREEN, RED } from './support/build.ts'
import { Stage } from './support/stage.ts'

const failedOver = (change: PolicyChange = {}) => new Stage(change).allFit().convicted(BLUE, 'crash')

describe('automatic failback', () => {
  it('comes when the preferred upstream has been fit for the hold-down', () => {
    const stage = failedOver()
    const fitAgain = stage.now + 1_000
    stage.waitFit(30_500, BLUE, GREEN)
    expect(stage.active).toBe(GREEN)
    stage.waitFit(1_000, BLUE, GREEN)
    expect(stage.active).toBe(BLUE)
    expect(stage.state.since).toBe(fitAgain + 30_000)
    expect(stage.state.epoch).toBe(3)
    expect(stage.state.decision).toMatchObject({ cause: 'failback', reason: 'blue has been fit for 30000 ms' })
  })

  it('is woken for, not waited for until the next probe', () => {
    const stage = failedOver().waitFit(15_000, BLUE, GREEN)
    expect(stage.wait(60_000).active).toBe(BLUE)
  })

  it('wants ten probes in a row, however long it takes', () => {
    const stage = failedOver().probed(BLUE, 'fail').wait(1_100).probed(BLUE, 'pass', { times: 9 }).wait(600_000)
    expect(stage.active).toBe(GREEN)
    expect(stage.probed(BLUE, 'pass').active).toBe(BLUE)
  })

  it('begins to wait anew when a probe fails', () => {
    const stage = failedOver().waitFit(20_000, BLUE, GREEN).probed(BLUE, 'fail').probed(BLUE, 'pass', { times: 9 })
    expect(stage.wait(600_000).active).toBe(GREEN)
  })

  it('does not take failures in a row for passes in a row', () => {
    const stage = failedOver({ health: { unhealthy: 50 } })
      .wait(1_100)
      .probed(BLUE, 'pass')
    expect(stage.wait(60_000).probed(BLUE, 'fail', { times: 20 }).active).toBe(GREEN)
  })

  it('is for the automatic mode only', () => {
    expect(failedOver({ failback: { mode: 'manual' } }).waitFit(120_000, BLUE, GREEN).active).toBe(GREEN)
    expect(failedOver({ failback: { mode: 'never' } }).waitFit(120_000, BLUE, GREEN).active).toBe(GREEN)
  })

  it('goes to whoever is preferred over the active, not to the primary alone', () => {
    const stage = new Stage({ count: 3 }).allFit().convicted(BLUE, 'crash').convicted(GREEN, 'crash')
    expect(stage.active).toBe(RED)
    expect(stage.waitFit(60_000, GREEN, RED).active).toBe(GREEN)
    expect(stage.waitFit(60_000, BLUE, GREEN, RED).active).toBe(BLUE)
  })

  it('leaves a choice of an operator alone', () => {
    const stage = new Stage().allFit()
    stage.told({ name: 'switchover', to: GREEN })
    expect(stage.waitFit(600_000, BLUE, GREEN).active).toBe(GREEN)
  })

  it('comes back after an operator took the primary out and put it in again', () => {
    const stage = new Stage().allFit()
    stage.told({ name: 'drain', upstream: BLUE, force: false })
    expect(stage.active).toBe(GREEN)
    expect(stage.waitFit(60_000, BLUE, GREEN).active).toBe(GREEN)
    stage.told({ name: 'enable', upstream: BLUE, force: false })
    expect(stage.waitFit(29_000, BLUE, GREEN).active).toBe(GREEN)
    expect(stage.waitFit(2_000, BLUE, GREEN).active).toBe(BLUE)
  })

  it('resumes after a failure has overruled the operator', () => {
    const stage = new Stage({ count: 3 }).allFit()
    stage.told({ name: 'switchover', to: GREEN })
    stage.waitFit(5_000, BLUE, GREEN, RED).probed(BLUE, 'fail', { times: 2 }).convicted(GREEN, 'crash')
    expect(stage.active).toBe(RED)
    expect(stage.waitFit(60_000, BLUE, RED).active).toBe(BLUE)
  })

  it('is suppressed by damping, and comes when that is over', () => {
    const stage = new Stage({ failback: { after: 1_000 } })
    for (let n = 0; n < 3; n++) {
      stage.waitFit(8_000, BLUE, GREEN)
      if (stage.active === GREEN) stage.told({ name: 'failback' })
      stage.convicted(BLUE, 'crash')
    }
    const until = stage.state.damping.suppressedUntil ?? 0
    expect(until).toBeGreaterThan(stage.now + 60_000)
    stage.waitFit(60_000, BLUE, GREEN)
    expect(stage.active).toBe(GREEN)
    stage.waitFit(until - stage.now + 500, BLUE, GREEN)
    expect(stage.active).toBe(BLUE)
    expect(stage.state.since).toBe(until)
  })
})

describe('a failback that fails', () => {
  it('is a penalty, and is not tried again at once', () => {
    const stage = failedOver({ kind: 'singleWriter', hooks: { promote: true } }).hook('promote')
    stage.probed(GREEN, 'pass')
    expect(stage.active).toBe(GREEN)
    const points = stage.state.damping.points
    stage.waitFit(31_500, BLUE, GREEN)
    expect(stage.state).toMatchObject({ phase: 'switching', cause: 'failback', step: 'drain' })
    stage.drained(GREEN).hook('promote', false)
    expect(stage.state).toMatchObject({ phase: 'serving', active: GREEN, epoch: 2 })
    expect(stage.state.damping.points).toBeGreaterThan(points)
    expect(stage.waitFit(4_500, BLUE, GREEN).state.phase).toBe('serving')
    expect(stage.waitFit(1_000, BLUE, GREEN).state.phase).toBe('switching')
  })
})
