/** When an unfit active stays all the same: R7, R8, withheld convictions, manual failover, a pause. */
import { describe, expect, it } from 'vitest'
import { BLUE, GREEN } from './support/build.ts'
import { Stage } from './support/stage.ts'

describe('probes that fail while the traffic is fine (R7)', () => {
  const contested = () => new Stage().allFit().probed(BLUE, 'fail', { times: 5, trafficFine: true })

  it('do not move the active, and are reported once', () => {
    const stage = contested()
    expect(stage.active).toBe(BLUE)
    expect(stage.state.attention).toMatchObject({ keptBecause: 'traffic-fine', unfit: { reason: 'unhealthy' } })
    expect(stage.notices.filter(({ type }) => type === 'active-unfit')).toHaveLength(1)
    expect(stage.lastNotice('active-unfit')?.text).toBe(
      'blue is unhealthy by its probes (connection refused) but stays active: its real traffic is fine',
    )
  })

  it('move it as soon as the traffic is not fine any more', () => {
    expect(contested().probed(BLUE, 'fail').active).toBe(GREEN)
  })

  it('are forgotten when they pass again', () => {
    const stage = contested().probed(BLUE, 'pass', { times: 2, trafficFine: true })
    expect(stage.state).toMatchObject({ active: BLUE, epoch: 1, attention: null })
    expect(stage.lastNotice('active-fit')?.text).toBe('blue is fit again')
  })

  it('do not save it from a conviction: real traffic says otherwise', () => {
    expect(contested().convicted(BLUE, 'errors').active).toBe(GREEN)
  })

  it('do not save it when it says itself that it is leaving', () => {
    expect(new Stage().allFit().probed(BLUE, 'leaving', { trafficFine: true }).active).toBe(GREEN)
  })
})

describe('probes that fail everywhere (R8)', () => {
  const allSilent = () => new Stage().allFit().probed(GREEN, 'fail', { times: 5 }).probed(BLUE, 'fail', { times: 5 })

  it('do not move the active: it may be us, and an error page is no better', () => {
    const stage = allSilent()
    expect(stage.active).toBe(BLUE)
    expect(stage.state.epoch).toBe(1)
    expect(stage.state.attention).toMatchObject({ keptBecause: 'no-candidate' })
  })

  it('move it when another upstream is fit, once its own next probe would have passed', () => {
    const stage = allSilent().probed(GREEN, 'pass', { times: 2 })
    expect(stage.wait(119).active).toBe(BLUE)
    expect(stage.wait(1).active).toBe(GREEN)
  })

  it('do not move it while it comes back as well, if a little later than the other', () => {
    const stage = allSilent().probed(GREEN, 'pass', { times: 2 }).wait(100).probed(BLUE, 'pass')
    expect(stage.wait(280).active).toBe(BLUE)
    expect(stage.probed(BLUE, 'pass').state).toMatchObject({ active: BLUE, epoch: 1, attention: null })
  })

  it('move it if it comes back and falls silent again', () => {
    const stage = allSilent().probed(BLUE, 'pass').probed(GREEN, 'pass', { times: 2 }).wait(300)
    expect(stage.probed(BLUE, 'fail').active).toBe(GREEN)
  })

  it('do not take away the only upstream', () => {
    expect(new Stage({ count: 1 }).probed(BLUE, 'fail', { times: 5 }).active).toBe(BLUE)
  })
})

describe('a conviction for bad answers while nobody is better', () => {
  it.each(['errors', 'gray'] as const)('is withheld (%s)', (rule) => {
    const stage = new Stage().probed(BLUE, 'pass').probed(GREEN, 'fail').convicted(BLUE, rule)
    expect(stage.active).toBe(BLUE)
    expect(stage.state.upstreams[0]?.ejection).toBeNull()
    expect(stage.lastNotice('conviction-withheld')).toMatchObject({ upstream: BLUE, rule })
  })

  it('is withheld from a gray failure that is only to be reported, whoever else is fit', () => {
    const stage = new Stage({ gray: 'report' }).allFit().convicted(BLUE, 'gray')
    expect(stage.active).toBe(BLUE)
    expect(stage.lastNotice('conviction-withheld')?.text).toContain('only to be reported')
    expect(stage.convicted(BLUE, 'errors').active).toBe(GREEN)
  })

  it('is not withheld from a crash: requests to it would only fail slower', () => {
    const stage = new Stage().probed(BLUE, 'pass').probed(GREEN, 'fail').convicted(BLUE, 'crash')
    expect(stage.state.phase).toBe('unavailable')
  })
})

describe('manual failover', () => {
  it('leaves an unfit active alone, and says so once for each reason', () => {
    const stage = new Stage({ failover: 'manual' }).allFit().convicted(BLUE, 'crash')
    expect(stage.active).toBe(BLUE)
    expect(stage.state.attention).toMatchObject({ keptBecause: 'manual', unfit: { reason: 'ejected', rule: 'crash' } })
    stage.wait(1_500)
    expect(stage.state.attention).toMatchObject({ keptBecause: 'manual', unfit: { reason: 'unproven' } })
    expect(stage.notices.filter(({ type }) => type === 'active-unfit')).toHaveLength(2)
  })

  it('still fails over when an operator says so', () => {
    const stage = new Stage({ failover: 'manual' }).allFit().convicted(BLUE, 'crash')
    expect(stage.told({ name: 'failover', force: false })).toEqual({ ok: true, changed: true })
    expect(stage.active).toBe(GREEN)
    expect(stage.lastNotice('failover')).toMatchObject({ by: 'ann', rule: 'crash' })
  })
})

describe('a paused pool', () => {
  const paused = () => {
    const stage = new Stage().allFit()
    stage.told({ name: 'pause' })
    return stage
  }

  it('keeps its active whatever happens, and says why', () => {
    const stage = paused().convicted(BLUE, 'crash').wait(3_600_000)
    expect(stage.active).toBe(BLUE)
    expect(stage.lastNotice('active-unfit')?.text).toContain('automation is paused')
  })

  it('acts on what it knows when it is resumed', () => {
    const stage = paused().convicted(BLUE, 'crash')
    expect(stage.told({ name: 'resume' })).toEqual({ ok: true, changed: true })
    expect(stage.active).toBe(GREEN)
  })

  it('obeys commands', () => {
    const stage = paused()
    stage.told({ name: 'switchover', to: GREEN })
    expect(stage.active).toBe(GREEN)
    expect(stage.state.automation).toBe('paused')
  })

  it('does not fail back by itself', () => {
    const stage = new Stage().allFit().convicted(BLUE, 'crash')
    stage.told({ name: 'pause' })
    expect(stage.waitFit(120_000, BLUE, GREEN).active).toBe(GREEN)
  })

  it('does not recover by itself', () => {
    const stage = new Stage({ count: 1 }).allFit().convicted(BLUE, 'crash')
    stage.told({ name: 'pause' })
    expect(stage.wait(5_000).allFit(5).active).toBeNull()
    stage.told({ name: 'resume' })
    expect(stage.active).toBe(BLUE)
  })

  it('tells who paused and resumed it', () => {
    const stage = paused()
    stage.told({ name: 'resume' }, { by: 'bob', why: '' })
    expect(stage.lastNotice('paused')).toMatchObject({ by: 'ann' })
    expect(stage.lastNotice('resumed')).toMatchObject({ by: 'bob' })
  })
})
