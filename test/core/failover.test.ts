/** Leaving an unfit active: when, to whom, and what becomes of the traffic that it still has. */
import { describe, expect, it } from 'vitest'
import { isSuppressed } from '../../src/core/damping.ts'
import { epoch } from '../../src/core/epoch.ts'
import { ms } from '../../src/core/time.ts'
import { BLUE, convicted, GREEN, RED } from './support/build.ts'
import { Stage } from './support/stage.ts'

describe('failover', () => {
  it.each(['crash', 'hang', 'errors', 'gray'] as const)('follows a conviction of %s at once', (rule) => {
    const stage = new Stage().allFit().convicted(BLUE, rule)
    expect(stage.active).toBe(GREEN)
    expect(stage.state.epoch).toBe(2)
    expect(stage.route).toMatchObject({ epoch: 2, active: GREEN, gate: 'open' })
    expect(stage.lastNotice('failover')).toMatchObject({ from: BLUE, to: GREEN, rule, by: 'understudy', epoch: 2 })
  })

  it('follows the probes when they fail often enough', () => {
    const stage = new Stage().allFit().probed(BLUE, 'fail')
    expect(stage.active).toBe(BLUE)
    stage.probed(BLUE, 'fail')
    expect(stage.active).toBe(GREEN)
    expect(stage.lastNotice('failover')).toMatchObject({ rule: 'health' })
  })

  it('follows an upstream that says that it is leaving', () => {
    expect(new Stage().allFit().probed(BLUE, 'leaving').active).toBe(GREEN)
  })

  it('goes to the most preferred upstream that is fit', () => {
    expect(new Stage({ count: 3 }).allFit().probed(GREEN, 'leaving').convicted(BLUE, 'crash').active).toBe(RED)
    expect(new Stage({ count: 3 }).allFit().convicted(BLUE, 'crash').active).toBe(GREEN)
  })

  it('never goes to an upstream that was not probed yet', () => {
    expect(new Stage().probed(BLUE, 'fail').active).toBe(BLUE)
  })

  it('does not need a probe of the active to keep it: not being probed yet is no reason to leave', () => {
    const stage = new Stage().probed(GREEN, 'pass', { times: 5 })
    expect(stage.active).toBe(BLUE)
  })

  it('is never damped, however often it happens, while failback is', () => {
    const stage = new Stage({ count: 2 })
    for (let n = 0; n < 10; n++) {
      stage.allFit(3).wait(1_100).allFit(3)
      const active = stage.active
      if (active) stage.convicted(active, 'crash')
      expect(stage.active).not.toBe(active)
    }
    expect(isSuppressed(stage.state.damping, ms(stage.now))).toBe(true)
  })

  it('publishes the new route before anything else', () => {
    const stage = new Stage().allFit().convicted(BLUE, 'crash')
    expect(stage.effects[0]).toMatchObject({ type: 'publish', route: { active: GREEN } })
  })
})

describe('the traffic of an upstream that was left', () => {
  it.each(['crash', 'hang'] as const)('is given up after a %s: no answer will come', (rule) => {
    const stage = new Stage().allFit().convicted(BLUE, rule)
    expect(stage.effect('retire')).toMatchObject({
      upstream: BLUE,
      retirement: { waiting: 'abandon', finishBy: stage.now + 30_000, tunnelsBy: stage.now, spread: 2_000 },
    })
  })

  it.each(['errors', 'gray'] as const)('may finish after a conviction of %s, tunnels excepted', (rule) => {
    const stage = new Stage().allFit().convicted(BLUE, rule)
    expect(stage.effect('retire')?.retirement).toMatchObject({ waiting: 'finish', tunnelsBy: stage.now })
  })

  it('keeps its tunnels until their deadline where they may finish', () => {
    const drain = { failover: 'finish' } as const
    const stage = new Stage({ drain }).allFit().convicted(BLUE, 'crash')
    expect(stage.effect('retire')?.retirement).toMatchObject({ waiting: 'abandon', tunnelsBy: stage.now + 300_000 })
  })

  it('is given up when its probes got no answer at all', () => {
    const stage = new Stage().allFit().probed(BLUE, 'fail', { times: 2 })
    expect(stage.effect('retire')?.retirement).toMatchObject({ waiting: 'abandon', tunnelsBy: stage.now })
  })

  it('may finish when its probes got bad answers', () => {
    const stage = new Stage().allFit().probed(BLUE, 'fail', { times: 2, answered: true })
    expect(stage.effect('retire')?.retirement).toMatchObject({ waiting: 'finish', tunnelsBy: stage.now })
  })

  it('may finish, tunnels too, when the change was planned', () => {
    const stage = new Stage().allFit()
    stage.told({ name: 'switchover', to: GREEN })
    expect(stage.effect('retire')?.retirement).toMatchObject({
      waiting: 'finish',
      finishBy: stage.now + 30_000,
      tunnelsBy: stage.now + 300_000,
    })
  })
})

describe('evidence of an older epoch', () => {
  it('moves nothing', () => {
    const stage = new Stage().allFit().convicted(BLUE, 'crash')
    const late = convicted(stage.now + 10, GREEN, 'crash', epoch(stage.state.epoch - 1))
    const before = stage.state
    stage.play(late)
    expect(stage.state).toEqual(before)
    expect(stage.active).toBe(GREEN)
  })
})

describe('an upstream that was ejected once', () => {
  const recovered = () => {
    const stage = new Stage({ failback: { mode: 'manual' } }).allFit().convicted(BLUE, 'crash')
    stage.wait(2_000).allFit(3)
    stage.told({ name: 'failback' })
    return stage
  }

  it('is judged by its thresholds again, not by a single failed probe', () => {
    const stage = recovered().probed(BLUE, 'fail')
    expect(stage.active).toBe(BLUE)
    expect(stage.probed(BLUE, 'fail').active).toBe(GREEN)
  })

  it('is not fit before a probe has passed since', () => {
    const stage = new Stage().allFit().convicted(BLUE, 'crash').wait(5_000)
    expect(stage.told({ name: 'failback' })).toMatchObject({
      ok: false,
      code: 'not_eligible',
      message: expect.stringContaining('no probe has passed since'),
    })
    stage.probed(BLUE, 'pass')
    expect(stage.told({ name: 'failback' })).toEqual({ ok: true, changed: true })
  })
})

describe('notices', () => {
  it('tell when the probes change their mind about an upstream, and about which', () => {
    const stage = new Stage().allFit()
    expect(stage.lastNotice('upstream-fit')).toMatchObject({
      upstream: GREEN,
      text: 'standby green is healthy: 200 in 1 ms',
    })
    stage.probed(GREEN, 'fail', { times: 2 })
    expect(stage.lastNotice('upstream-unfit')?.text).toBe('standby green is unhealthy: connection refused')
    stage.probed(BLUE, 'fail', { times: 2 })
    expect(stage.lastNotice('upstream-unfit')?.text).toBe('active blue is unhealthy: connection refused')
  })

  it('say what speaks against an upstream when it is ejected', () => {
    const stage = new Stage().allFit().convicted(GREEN, 'errors')
    expect(stage.lastNotice('ejected')).toMatchObject({ upstream: GREEN, rule: 'errors' })
    expect(stage.active).toBe(BLUE)
  })
})
