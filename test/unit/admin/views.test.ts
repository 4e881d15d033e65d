import { afterEach, describe, expect, it } from 'vitest'
import { explainView, poolSummary, poolView } from '../../../src/admin/views.ts'
import type { Setup } from '../../support/simulated-pool.ts'
import {
  blue,
  green,
  operator,
  SimulatedPool,
  singleWriterPolicy,
  statelessPolicy,
} from '../../support/simulated-pool.ts'
import { snapshotOf } from './support.ts'

let simulated: SimulatedPool

function begin(setup: Setup = {}): SimulatedPool {
  simulated = new SimulatedPool(setup)
  simulated.start()
  simulated.clock.advance(600)
  return simulated
}

afterEach(() => simulated.stop())

const view = () => poolView(snapshotOf(simulated))
const upstream = (name: 'blue' | 'green') => {
  const found = view().upstreams.find((each) => each.name === name)
  if (!found) throw new Error(`no ${name}`)
  return found
}

function killBlue(): void {
  simulated.blue = 'refuses'
  simulated.until(() => simulated.active === green)
}

describe('at a glance', () => {
  it('says who is active and who is ready', () => {
    begin()
    expect(view()).toMatchObject({
      pool: 'shop',
      phase: 'serving',
      active: 'blue',
      epoch: 1,
      automation: 'on',
      for: '600 ms',
      summary: 'blue (primary) is active; green is ready to take over.',
    })
    expect(upstream('blue')).toMatchObject({ active: true, state: 'active', why: 'Preferred by the configuration.' })
    expect(upstream('green')).toMatchObject({
      active: false,
      state: 'standby ready',
      why: 'Fit and ready to take over; blue is preferred.',
      health: { status: 'healthy' },
      ejection: null,
      admin: 'enabled',
    })
  })

  it('puts first what is read first', () => {
    begin()
    expect(Object.keys(view()).slice(0, 4)).toEqual(['pool', 'phase', 'active', 'since'])
    expect(Object.keys(upstream('blue')).slice(0, 5)).toEqual(['name', 'role', 'active', 'state', 'why'])
  })

  it('gives a summary without the upstreams', () => {
    begin()
    expect(poolSummary(snapshotOf(simulated))).not.toHaveProperty('upstreams')
  })

  it('tells a standby that was never probed from one that failed', () => {
    simulated = new SimulatedPool()
    expect(upstream('green')).toMatchObject({ state: 'not probed yet', why: 'Not probed yet.' })
    expect(view().summary).toBe('blue (primary) is active; nobody is ready to take over (green: not probed yet).')
    simulated.start()
  })
})

describe('after a failure', () => {
  it('says by which rule the primary is out and when it may return', () => {
    begin()
    // No probe is under way any more that could still pass.
    simulated.clock.advance(50)
    simulated.blue = 'refuses'
    simulated.connectFails(blue)
    simulated.clock.advance(5)
    simulated.connectFails(blue)
    expect(upstream('blue')).toMatchObject({ active: false, state: 'ejected', ejection: { rule: 'crash', strikes: 1 } })
    expect(upstream('blue').why).toMatch(/^Ejected by rule crash \(.*\); may serve again in 1s if its probes pass\.$/)
    expect(upstream('green').why).toMatch(/^Failover from blue: blue is ejected by rule crash/)
    expect(view().summary).toMatch(
      /^green \(standby\) is active; nobody is ready to take over \(blue: ejected\)\. Failover from blue/,
    )
  })

  it('counts down to the failback', () => {
    begin()
    killBlue()
    simulated.blue = 'fine'
    simulated.clock.advance(10_000)
    expect(upstream('blue').state).toBe('primary ready')
    expect(upstream('blue').why).toMatch(/failback waits: blue must stay fit for another \d+s\.$/)
    expect(view().summary).toMatch(/blue is ready to take over\..*Failback to blue: blue must stay fit/)
  })

  it('says that nobody can serve', () => {
    begin()
    simulated.green = 'refuses'
    simulated.clock.advance(2_000)
    simulated.blue = 'refuses'
    simulated.clock.advance(2_000)
    if (simulated.active !== null) simulated.pool.command({ name: 'disable', upstream: blue, force: true }, operator)
    expect(view()).toMatchObject({ phase: 'unavailable', active: null })
    expect(view().summary).toMatch(/^Nobody has been active for .*: nobody can take over/)
  })

  it('says why an unfit active stays', () => {
    begin()
    simulated.pool.command({ name: 'pause' }, operator)
    simulated.blue = 'answers-503'
    simulated.clock.advance(3_000)
    expect(upstream('blue')).toMatchObject({ active: true, state: 'active but unfit' })
    expect(upstream('blue').why).toMatch(/^Unhealthy by its probes \(.*\) but stays active: automation is paused\.$/)
    expect(view().summary).toMatch(/though it is unfit; green is ready to take over\..*Automation is paused\.$/)
  })
})

describe('after a command', () => {
  it('does not promise a failback from an upstream that an operator chose', () => {
    begin()
    simulated.pool.command({ name: 'switchover', to: green }, { by: 'anna', why: 'release' })
    expect(upstream('green').why).toBe('Switchover from blue: release.')
    expect(upstream('blue').why).toMatch(/failback waits: anna chose green; use the failback command to return\.$/)
  })

  it.each([
    ['drain', 'draining'],
    ['disable', 'disabled'],
  ] as const)('shows who is out by %s, and the way back', (name, state) => {
    begin()
    simulated.pool.command({ name, upstream: green, force: false }, operator)
    expect(upstream('green')).toMatchObject({
      state,
      admin: state,
      why: `${state === 'draining' ? 'Draining' : 'Disabled'} by an operator; enable it to let it serve again.`,
    })
  })

  it('shows both sides of a switch under way', () => {
    begin({ policy: { ...singleWriterPolicy, hooks: { fence: false, promote: true, timeout: 10_000 } } })
    simulated.pool.command({ name: 'switchover', to: green }, { by: 'anna', why: 'release' })
    expect(view()).toMatchObject({ phase: 'switching', active: 'blue' })
    expect(view().summary).toMatch(/^A switchover from blue to green is under way \(step promote\)/)
    expect(upstream('blue').state).toBe('handing over')
    expect(upstream('green')).toMatchObject({ state: 'taking over', why: 'Switchover: release; step promote.' })
  })
})

describe('explain', () => {
  const explain = () => explainView(snapshotOf(simulated), { notices: [], decision: null, trouble: null })

  it('gives the decision with its reason and author', () => {
    begin()
    killBlue()
    expect(explain()).toMatchObject({
      decision: { cause: 'failover', from: 'blue', to: 'green', by: 'understudy', pinned: false },
      epoch: 2,
      attention: null,
      failover: 'automatic',
      damping: { failbackSuppressed: false, until: null },
    })
    expect(explain().damping.points).toBeGreaterThan(900)
  })

  it.each([
    ['manual', /^failback is manual/],
    ['never', /^failback is turned off/],
  ] as const)('says that failback is %s', (mode, why) => {
    begin({ policy: { ...statelessPolicy, failback: { mode, after: 30_000, ramp: 0 } } })
    killBlue()
    expect(explain().failback).toMatchObject({ mode, due: false, to: 'blue', at: null })
    expect(explain().failback.why).toMatch(why)
  })

  it('has nothing to return to while the most preferred is active', () => {
    begin()
    expect(explain().failback).toMatchObject({ due: false, to: null, why: 'the most preferred upstream is active' })
  })

  it('says that failback waits for automation', () => {
    begin()
    killBlue()
    simulated.pool.command({ name: 'pause' }, operator)
    expect(explain().failback.why).toBe('automation is paused')
  })

  it('says that flapping suppresses failback, and for how long', () => {
    begin({ policy: { ...statelessPolicy, failback: { mode: 'automatic', after: 0, ramp: 0 } } })
    for (let round = 0; round < 3; round++) {
      killBlue()
      simulated.blue = 'fine'
      if (round < 2) simulated.until(() => simulated.active === blue, 60_000)
    }
    simulated.clock.advance(20_000)
    const { damping, failback } = explain()
    expect(damping.failbackSuppressed).toBe(true)
    expect(failback.at).toBe(damping.until)
    expect(failback.why).toMatch(/^too many failovers lately: suppressed for another/)
  })
})
