/** The way back: connections first, then, with a ramp, safe requests in stages; and everything that ends it early. */
import { describe, expect, it } from 'vitest'
import type { PolicyChange } from './support/build.ts'
import { BLUE, GREEN, preconnected, RED, trialWorse } from './support/build.ts'
import { Stage } from './support/stage.ts'

const RAMP = 9_000

const due = (change: PolicyChange & { count?: number } = {}) =>
  new Stage({ ...change, failback: { ramp: RAMP, ...change.failback } })
    .allFit()
    .convicted(BLUE, 'crash')
    .waitFit(31_100, BLUE, GREEN, RED)

const pair = (change: PolicyChange = {}) => {
  const stage = new Stage({ ...change, failback: { ramp: RAMP, ...change.failback } }).allFit().convicted(BLUE, 'crash')
  return stage.waitFit(31_100, BLUE, GREEN)
}
const aborted = (stage: Stage) => stage.lastNotice('failback-aborted')?.text

describe('connections ahead of a failback', () => {
  const waiting = () => {
    const stage = new Stage().allFit().convicted(BLUE, 'crash')
    stage.connects = false
    const dueAt = stage.now + 1_000 + 30_000
    stage.waitFit(30_900, BLUE, GREEN).wait(dueAt - stage.now)
    expect(stage.now).toBe(dueAt)
    return stage
  }

  it('are asked for when it is due, and the active stays until they are there', () => {
    const stage = waiting()
    expect(stage.effect('preconnect')).toMatchObject({ upstream: BLUE })
    expect(stage).toMatchObject({ active: GREEN, route: { active: GREEN, trial: null } })
    stage.play(preconnected(stage.now, BLUE, stage.state.epoch))
    expect(stage).toMatchObject({ active: BLUE, state: { epoch: 3, trial: null } })
    expect(stage.notices.filter(({ type }) => type.startsWith('failback-'))).toEqual([])
  })

  it('are not waited for longer than 250 ms', () => {
    expect(waiting().wait(249).active).toBe(GREEN)
    expect(waiting().wait(250).active).toBe(BLUE)
  })

  it('are waited for no more when a probe fails meanwhile, and nobody is told: nothing had begun', () => {
    const stage = waiting().probed(BLUE, 'fail')
    expect(stage).toMatchObject({ active: GREEN, state: { trial: null } })
    expect(stage.notices.filter(({ type }) => type.startsWith('failback'))).toEqual([])
  })

  it('do not keep a failover of the active waiting', () => {
    expect(waiting().convicted(GREEN, 'crash')).toMatchObject({
      active: BLUE,
      state: { decision: { cause: 'failover' } },
    })
  })
})

describe('a ramp', () => {
  it('gives the preferred upstream 5, 25 and 100 % of the safe requests, and then makes it active, in one step', () => {
    const stage = pair()
    const seen = [stage.route.trial?.share]
    for (let n = 0; n < 2; n++) seen.push(stage.waitFit(RAMP / 3, BLUE, GREEN).route.trial?.share)
    expect(seen).toEqual([0.05, 0.25, 1])
    expect(stage).toMatchObject({ active: GREEN, state: { epoch: 2 }, route: { trial: { upstream: BLUE } } })
    stage.waitFit(RAMP / 3, BLUE, GREEN)
    expect(stage).toMatchObject({ active: BLUE, state: { epoch: 3, trial: null }, route: { trial: null } })
    expect(stage.lastNotice('failback-started')?.text).toBe(
      'failback from green to blue begins with 5 % of the safe requests',
    )
  })

  it('goes through every stage, however late it is woken', () => {
    const stage = pair()
    const began = stage.now
    for (let n = 0; n < 3; n++) stage.play({ type: 'tick', at: (stage.now + 60_000) as typeof stage.world.state.since })
    expect(stage.now).toBe(began + 180_000)
    expect(stage.active).toBe(BLUE)
  })

  it('ends when the preferred does worse: a penalty, and no other try for a minute', () => {
    const stage = pair()
    stage.play(trialWorse(stage.now, BLUE, stage.state.epoch))
    expect(stage).toMatchObject({ active: GREEN, route: { trial: null }, state: { epoch: 2, trial: null } })
    expect(aborted(stage)).toBe(
      'failback from green to blue was given up: 7 of its 20 answers failed, 0 of 100 of the active’s',
    )
    expect(stage.state.damping.points).toBeGreaterThan(1_600)
    expect(stage.effect('retire')).toMatchObject({ upstream: BLUE, retirement: { waiting: 'finish' } })
    expect(stage.waitFit(59_000, BLUE, GREEN).state.trial).toBeNull()
    expect(stage.waitFit(2_000, BLUE, GREEN).state.trial).not.toBeNull()
  })

  it('hears nothing of another trial, or of an older epoch', () => {
    const stage = pair()
    stage.play(trialWorse(stage.now, GREEN, stage.state.epoch))
    stage.play(trialWorse(stage.now, BLUE, (stage.state.epoch - 1) as typeof stage.state.epoch))
    stage.play(preconnected(stage.now, BLUE, stage.state.epoch))
    expect(stage.route.trial).toEqual({ upstream: BLUE, share: 0.05 })
  })

  it('ends with the first probe that fails: its requests go to the active', () => {
    const stage = pair().probed(BLUE, 'fail')
    expect(stage.route).toMatchObject({ active: GREEN, trial: null })
    expect(aborted(stage)).toMatch(/given up: its last probe failed \(connection refused\)$/)
    expect(stage.effect('retire')).toMatchObject({ upstream: BLUE, retirement: { waiting: 'abandon' } })
    expect(stage.state.damping.suppressedUntil).toBeGreaterThanOrEqual(stage.now + 60_000)
  })

  it('ends with a conviction of the preferred', () => {
    const stage = pair().convicted(BLUE, 'errors')
    expect(stage).toMatchObject({ active: GREEN, route: { trial: null } })
    expect(aborted(stage)).toMatch(/given up: blue is ejected by rule errors/)
  })

  it('is a failover at once when the active fails: the one on trial is the candidate', () => {
    const stage = pair().convicted(GREEN, 'crash')
    expect(stage).toMatchObject({ active: BLUE, route: { trial: null }, state: { decision: { cause: 'failover' } } })
    expect(aborted(stage)).toBeUndefined()
  })

  it.each(['pause', 'failback'] as const)('ends with the command %s', (name) => {
    const stage = pair()
    const { damping } = stage.state
    stage.told({ name })
    expect(stage.route.trial).toBeNull()
    expect(stage.active).toBe(name === 'failback' ? BLUE : GREEN)
    if (name === 'pause') expect(aborted(stage)).toMatch(/given up: automation is paused$/)
    if (name === 'failback') expect(aborted(stage)).toBeUndefined()
    expect(stage.state.damping).toBe(damping)
  })

  it.each(['drain', 'disable'] as const)('ends when an operator says %s, and that is no fault of its own', (name) => {
    const stage = pair()
    const { damping } = stage.state
    stage.told({ name, upstream: BLUE, force: false })
    expect(aborted(stage)).toMatch(/given up: blue is (draining|disabled) by an operator$/)
    expect(stage.effect('retire')).toMatchObject({ retirement: { waiting: 'finish' } })
    expect(stage.state.damping).toBe(damping)
  })

  it('ends with a switchover to a third one, which is told', () => {
    const stage = due({ count: 3 })
    stage.told({ name: 'switchover', to: RED })
    expect(stage).toMatchObject({ active: RED, route: { trial: null } })
    expect(aborted(stage)).toMatch(/given up: red is active: maintenance$/)
  })

  it('gives way to one that is preferred even more', () => {
    const stage = new Stage({ count: 3, failback: { ramp: RAMP } }).allFit().convicted(BLUE, 'crash')
    stage.convicted(GREEN, 'crash').waitFit(31_100, GREEN, RED)
    expect(stage.route).toMatchObject({ active: RED, trial: { upstream: GREEN } })
    stage.probed(BLUE, 'pass')
    expect(aborted(stage)).toMatch(/given up: one that is preferred even more is fit$/)
    for (let n = 0; n < 12; n++) stage.probed(BLUE, 'pass')
    stage.waitFit(2_000, BLUE, GREEN, RED)
    expect(stage.state.trial?.to).toBe(BLUE)
  })

  it('has nothing to do with an operator’s failback, which is an order', () => {
    const stage = new Stage({ failback: { ramp: RAMP, mode: 'manual' } }).allFit().convicted(BLUE, 'crash')
    stage.waitFit(60_000, BLUE, GREEN)
    expect(stage.told({ name: 'failback' })).toEqual({ ok: true, changed: true })
    expect(stage.active).toBe(BLUE)
  })
})
