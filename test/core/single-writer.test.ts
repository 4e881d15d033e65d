/** The single-writer switch, step by step: never two writers, and an end to every step. */
import { describe, expect, it } from 'vitest'
import { epoch } from '../../src/core/epoch.ts'
import type { PolicyChange } from './support/build.ts'
import { BLUE, BOTH_HOOKS, drained, GREEN, hookFinished } from './support/build.ts'
import { Stage } from './support/stage.ts'

const pair = (change: PolicyChange = {}) => new Stage({ kind: 'singleWriter', hooks: BOTH_HOOKS, ...change }).allFit()

const step = (stage: Stage): string => (stage.state.phase === 'switching' ? stage.state.step : stage.state.phase)

describe('a failover', () => {
  it('cuts, fences, promotes and verifies, in this order, and publishes last', () => {
    const stage = pair().convicted(BLUE, 'crash')
    expect(stage.asked).toEqual(['cut', 'fence'])
    expect(stage.route).toMatchObject({ active: BLUE, gate: 'hold', epoch: 1, fallback: null })
    expect(stage.hook('fence').asked).toEqual(['promote'])
    expect(stage.hook('promote').asked).toEqual(['probe-now', 'preconnect'])
    expect(stage.route).toMatchObject({ active: BLUE, gate: 'hold', epoch: 1 })
    stage.probed(GREEN, 'pass')
    expect(stage.route).toMatchObject({ active: GREEN, gate: 'open', epoch: 2 })
    expect(stage.lastNotice('failover')).toMatchObject({ from: BLUE, to: GREEN, rule: 'crash' })
  })

  it.each([
    ['no hooks', {}, []],
    ['a fence hook only', { fence: true }, ['fence'] as const],
    ['a promote hook only', { promote: true }, ['promote'] as const],
  ] as const)('leaves out what is not configured: %s', (_name, hooks, expected) => {
    const stage = pair({ hooks: { fence: false, promote: false, ...hooks } }).convicted(BLUE, 'crash')
    expect(stage.asked[0]).toBe('cut')
    for (const hook of expected) {
      expect(step(stage)).toBe(hook)
      stage.hook(hook)
    }
    expect(step(stage)).toBe('verify')
    expect(stage.probed(GREEN, 'pass').active).toBe(GREEN)
  })

  it('does not drain, even when an operator forces it away from a fit active', () => {
    const stage = pair()
    stage.told({ name: 'failover', force: true })
    expect(stage.asked).toEqual(['cut', 'fence'])
  })

  it('believes only a probe that was sent after the promotion', () => {
    const stage = pair({ hooks: {} }).convicted(BLUE, 'crash')
    stage.probed(GREEN, 'pass', { latency: 200 })
    expect(step(stage)).toBe('verify')
    stage.probed(GREEN, 'fail').probed(BLUE, 'pass')
    expect(step(stage)).toBe('verify')
    expect(stage.probed(GREEN, 'pass').active).toBe(GREEN)
  })

  it.each(['fence', 'promote'] as const)('that fails in its %s hook leaves nobody active', (hook) => {
    const stage = pair().convicted(BLUE, 'crash')
    if (hook === 'promote') stage.hook('fence')
    stage.hook(hook, false)
    expect(stage.state).toMatchObject({ phase: 'unavailable', epoch: 2, notBefore: stage.now + 5_000 })
    expect(stage.lastNotice('switch-failed')?.text).toBe(
      `failover from blue to green failed: the ${hook} hook failed: exit code 1`,
    )
  })

  it('that failed is tried again after five seconds, not before, and with its hooks', () => {
    const stage = pair().convicted(BLUE, 'crash').hook('fence', false)
    stage.wait(4_900).probed(GREEN, 'pass')
    expect(step(stage)).toBe('unavailable')
    stage.wait(100)
    expect(step(stage)).toBe('fence')
    expect(stage.state).toMatchObject({ from: null, last: BLUE, to: GREEN })
    expect(stage.active).toBeNull()
    stage.hook('fence').hook('promote').probed(GREEN, 'pass')
    expect(stage.route).toMatchObject({ active: GREEN, epoch: 3 })
  })

  it('that fails again leaves nobody active still, under the same epoch', () => {
    const stage = pair().convicted(BLUE, 'crash').hook('fence', false).wait(5_000).hook('fence', false)
    expect(stage.state).toMatchObject({ phase: 'unavailable', epoch: 2, notBefore: stage.now + 5_000 })
    expect(stage.state.decision).toMatchObject({ from: BLUE, to: null })
  })

  it('needs no hooks when the writer that served last comes back', () => {
    const stage = pair().convicted(BLUE, 'crash').hook('fence', false)
    stage.told({ name: 'disable', upstream: GREEN, force: false })
    stage.wait(5_000).probed(BLUE, 'pass')
    expect(stage.route).toMatchObject({ active: BLUE, epoch: 3 })
  })

  it.each(['fence', 'promote', 'verify'] as const)('ends when the step %s does not', (last) => {
    const stage = pair().convicted(BLUE, 'crash')
    if (last !== 'fence') stage.hook('fence')
    if (last === 'verify') stage.hook('promote')
    expect(step(stage)).toBe(last)
    stage.wait(9_900)
    expect(step(stage)).toBe(last)
    expect(step(stage.wait(200))).toBe('unavailable')
    expect(stage.lastNotice('switch-failed')?.text).toContain(`the step '${last}' did not finish in time`)
  })
})

describe('a planned switch', () => {
  const begun = (change: PolicyChange = {}) => {
    const stage = pair(change)
    stage.told({ name: 'switchover', to: GREEN })
    return stage
  }

  it('holds, drains, and cuts only when nothing is in flight any more', () => {
    const stage = begun()
    expect(stage.asked).toEqual(['await-drain'])
    expect(stage.route).toMatchObject({ active: BLUE, gate: 'hold' })
    expect(stage.drained(BLUE).asked).toEqual(['cut', 'fence'])
    stage.hook('fence').hook('promote').probed(GREEN, 'pass')
    expect(stage.route).toMatchObject({ active: GREEN, gate: 'open', epoch: 2 })
  })

  it('is recorded with who asked for it and why', () => {
    const stage = begun().drained(BLUE).hook('fence').hook('promote').probed(GREEN, 'pass')
    expect(stage.state.decision).toMatchObject({ cause: 'switchover', by: 'ann', reason: 'maintenance', pinned: true })
    expect(stage.lastNotice('switch-started')).toMatchObject({ by: 'ann', from: BLUE, to: GREEN })
    expect(stage.lastNotice('switchover')).toMatchObject({ by: 'ann' })
  })

  it.each(['drain', 'fence', 'promote', 'verify'] as const)('that fails in %s rolls back, same epoch', (last) => {
    const stage = pair()
    const since = stage.state.phase === 'serving' ? stage.state.since : null
    stage.told({ name: 'switchover', to: GREEN })
    if (last !== 'drain') stage.drained(BLUE)
    if (last === 'promote' || last === 'verify') stage.hook('fence')
    if (last === 'verify') stage.hook('promote')
    expect(step(stage)).toBe(last)
    stage.wait(10_000)
    expect(stage.state).toMatchObject({ phase: 'serving', active: BLUE, epoch: 1, since })
    expect(stage.route).toMatchObject({ active: BLUE, gate: 'open', epoch: 1 })
  })

  it('drains no longer than requests are held', () => {
    const stage = begun()
    expect(stage.state).toMatchObject({ deadline: stage.now + 2_000 })
  })

  it('rolls back to an active that crashed in the meantime, and fails over from there', () => {
    const stage = begun().convicted(BLUE, 'crash')
    expect(step(stage)).toBe('drain')
    stage.wait(2_000)
    expect(stage.state).toMatchObject({ phase: 'switching', cause: 'failover', step: 'fence' })
  })

  it('waits, before it lets go of a fit active, until the new one is fit again', () => {
    const stage = begun().probed(GREEN, 'fail', { times: 2 }).drained(BLUE).hook('fence').hook('promote')
    stage.probed(GREEN, 'pass')
    expect(step(stage)).toBe('verify')
    expect(stage.probed(GREEN, 'pass').active).toBe(GREEN)
  })

  it('is not moved by answers to another question', () => {
    const stage = begun()
    stage
      .play(drained(stage.now + 1, BLUE, epoch(0)))
      .hook('fence')
      .probed(GREEN, 'pass')
    expect(step(stage)).toBe('drain')
    stage.drained(BLUE).hook('promote').drained(BLUE)
    stage.play(hookFinished(stage.now + 1, 'fence', epoch(0), true))
    expect(step(stage)).toBe('fence')
  })
})

describe('an upstream taken out by an operator', () => {
  it('is drained before it is cut', () => {
    const stage = pair()
    stage.told({ name: 'drain', upstream: BLUE, force: false })
    expect(stage.asked).toEqual(['await-drain'])
    expect(stage.drained(BLUE).asked).toEqual(['cut', 'fence'])
  })

  it('is left all the same when the planned switch fails: it must not stay active', () => {
    const stage = pair()
    stage.told({ name: 'drain', upstream: BLUE, force: false })
    stage.wait(2_000)
    expect(stage.state).toMatchObject({ phase: 'switching', cause: 'failover' })
    stage.hook('fence').hook('promote').probed(GREEN, 'pass')
    expect(stage.active).toBe(GREEN)
    expect(stage.lastNotice('failover')).toMatchObject({ rule: 'operator' })
  })
})

describe('a failover to whom an operator forces it', () => {
  it('takes an unfit upstream as soon as it answers a probe', () => {
    const stage = pair().probed(GREEN, 'fail', { times: 2 })
    stage.told({ name: 'failover', force: true })
    stage.hook('fence').hook('promote').probed(GREEN, 'fail')
    expect(step(stage)).toBe('verify')
    expect(stage.probed(GREEN, 'pass').active).toBe(GREEN)
    expect(stage.probed(GREEN, 'fail').active).toBe(GREEN)
  })
})
