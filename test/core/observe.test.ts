/** Mode observe: what automatic mode would have done is told, once each time, and nothing moves. */
import { describe, expect, it } from 'vitest'
import type { PolicyChange } from './support/build.ts'
import { BLUE, GREEN } from './support/build.ts'
import { Stage } from './support/stage.ts'

const observing = (change: PolicyChange = {}) => new Stage({ ...change, failover: 'observe' }).allFit()
const would = (stage: Stage) => stage.notices.filter(({ type }) => type.startsWith('would-')).map(({ text }) => text)

describe('a pool that only observes', () => {
  it('tells the failover that it leaves undone, with rule and ends', () => {
    const stage = observing().convicted(BLUE, 'crash')
    expect(stage).toMatchObject({ active: BLUE, state: { epoch: 1, observed: { active: GREEN } } })
    expect(stage.lastNotice('would-failover')).toMatchObject({ from: BLUE, to: GREEN, rule: 'crash', epoch: 1 })
    expect(would(stage)).toEqual([
      'it would have failed over from blue to green: blue is ejected by rule crash (evidence of crash)',
    ])
    expect(stage.lastNotice('active-unfit')?.text).toMatch(/stays active: this pool only observes$/)
  })

  it('sends nothing to the standby', () => {
    const stage = observing().convicted(BLUE, 'crash')
    expect(stage.route).toMatchObject({ active: BLUE, fallback: null, gate: 'open', automatic: false })
  })

  it('tells it once, however often the same failure shows', () => {
    const stage = observing()
    for (let n = 0; n < 20; n++) stage.convicted(BLUE, 'errors').probed(BLUE, 'fail').wait(3_000)
    expect(would(stage)).toHaveLength(1)
  })

  it('would return when the primary has been fit for the hold-down, and tells the next failure again', () => {
    const stage = observing().convicted(BLUE, 'crash').waitFit(30_500, BLUE, GREEN)
    expect(would(stage)).toHaveLength(1)
    stage.waitFit(1_000, BLUE, GREEN)
    expect(would(stage)[1]).toBe('it would have returned from green to blue: blue has been fit for 30000 ms')
    expect(stage.state.observed).toBeNull()
    expect(would(stage.convicted(BLUE, 'hang'))).toHaveLength(3)
    expect(stage.state.epoch).toBe(1)
  })

  it('is woken for the return, not told at the next probe', () => {
    const stage = observing().convicted(BLUE, 'crash').waitFit(20_000, BLUE, GREEN)
    expect(would(stage.wait(60_000))).toHaveLength(2)
  })

  it('follows what it imagines: the standby fails too, then both, then one of them answers', () => {
    const stage = observing().convicted(BLUE, 'crash').convicted(GREEN, 'crash')
    expect(would(stage)[1]).toMatch(/^it would be without an active: nobody can take over: /)
    stage.wait(1_500).probed(GREEN, 'pass')
    expect(would(stage)[2]).toMatch(/^green would have become active: green answers again/)
    stage.probed(BLUE, 'pass').convicted(GREEN, 'crash')
    expect(would(stage)[3]).toMatch(/^it would have failed over from green to blue/)
    expect(stage).toMatchObject({ active: BLUE, state: { epoch: 1, observed: null } })
  })

  it('would recover on the one that is active', () => {
    const stage = observing().convicted(BLUE, 'crash').convicted(GREEN, 'crash').wait(1_500).probed(BLUE, 'pass')
    expect(stage.lastNotice('would-failback')?.text).toMatch(/^blue would have become active: blue answers again/)
    expect(stage.state.observed).toBeNull()
  })

  it('knows the damping that would keep it where it is', () => {
    const stage = observing({ failback: { after: 1_000 } })
    for (let n = 0; n < 3; n++) stage.waitFit(8_000, BLUE, GREEN).convicted(BLUE, 'crash')
    expect(would(stage)).toHaveLength(5)
    expect(would(stage.waitFit(60_000, BLUE, GREEN))).toHaveLength(5)
    expect(would(stage.waitFit(60_000, BLUE, GREEN))).toHaveLength(6)
  })

  it('leaves alone what automatic mode would leave alone', () => {
    expect(would(observing().probed(BLUE, 'fail', { times: 5, trafficFine: true }))).toEqual([])
    expect(would(observing().probed(GREEN, 'fail', { times: 3 }).probed(BLUE, 'fail', { times: 3 }))).toEqual([])
    const paused = observing()
    paused.told({ name: 'pause' })
    expect(would(paused.convicted(BLUE, 'crash'))).toEqual([])
  })

  it('ends an episode by itself where the return would be an operator’s', () => {
    const stage = observing({ failback: { mode: 'manual' } })
      .convicted(BLUE, 'crash')
      .waitFit(32_000, BLUE, GREEN)
    expect(would(stage)[1]).toMatch(/^an operator could have returned from green to blue/)
    expect(would(stage.convicted(BLUE, 'crash'))).toHaveLength(3)
  })

  it('obeys operators, and imagines nothing more of what they changed', () => {
    const stage = observing().convicted(BLUE, 'crash')
    expect(stage.told({ name: 'failover', force: false })).toEqual({ ok: true, changed: true })
    expect(stage).toMatchObject({ active: GREEN, state: { epoch: 2, observed: null } })
    stage.waitFit(120_000, BLUE, GREEN)
    expect(stage.active).toBe(GREEN)
  })

  it('tells the return after planned work, and leaves it to the operator', () => {
    const stage = observing()
    stage.told({ name: 'drain', upstream: BLUE, force: false })
    stage.told({ name: 'enable', upstream: BLUE, force: false })
    stage.waitFit(40_000, BLUE, GREEN)
    expect(stage).toMatchObject({ active: GREEN, state: { observed: { active: BLUE } } })
    expect(would(stage)).toHaveLength(1)
    expect(stage.told({ name: 'failback' })).toEqual({ ok: true, changed: true })
    expect(stage).toMatchObject({ active: BLUE, state: { observed: null } })
  })

  it('imagines no hooks: a single writer’s failover is told as one step', () => {
    const stage = observing({ kind: 'singleWriter', hooks: { fence: true } }).convicted(BLUE, 'crash')
    expect(stage.lastNotice('would-failover')).toMatchObject({ to: GREEN })
    expect(stage.effects.some(({ type }) => type === 'run-hook' || type === 'cut')).toBe(false)
  })
})
