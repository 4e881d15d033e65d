/** What traffic reads: where to go, where to try again, and whether to wait. */
import { describe, expect, it } from 'vitest'
import { epoch } from '../../src/core/epoch.ts'
import type { Route } from '../../src/core/route.ts'
import { elsewhere, routeOf, sameRoute } from '../../src/core/route.ts'
import { ms } from '../../src/core/time.ts'
import { BLUE, GREEN, RED } from './support/build.ts'
import { Stage } from './support/stage.ts'

describe('a route', () => {
  it('names the best other upstream as the fallback', () => {
    const stage = new Stage({ count: 3 }).allFit()
    expect(stage.route.fallback).toBe(GREEN)
    expect(stage.probed(GREEN, 'leaving').route.fallback).toBe(RED)
  })

  it('has no fallback while no other upstream is fit', () => {
    expect(new Stage().allFit().probed(GREEN, 'fail', { times: 2 }).route.fallback).toBeNull()
  })

  it('gets its fallback back when an ejection is over, without any other event', () => {
    const stage = new Stage().allFit().convicted(GREEN, 'errors').probed(GREEN, 'pass')
    expect(stage.route.fallback).toBeNull()
    expect(stage.wait(10_000).route.fallback).toBe(GREEN)
  })

  it.each([
    ['with a single writer', () => new Stage({ kind: 'singleWriter' }).allFit()],
    ['with manual failover', () => new Stage({ failover: 'manual' }).allFit()],
  ])('has no fallback %s: to send a request there would be the very decision', (_name, make) => {
    expect(make().route.fallback).toBeNull()
  })

  it('is not automatic while the pool is paused, nor with manual failover', () => {
    const stage = new Stage().allFit()
    expect(stage.route.automatic).toBe(true)
    stage.told({ name: 'pause' })
    expect(stage.route).toMatchObject({ automatic: false, fallback: null })
    expect(new Stage({ failover: 'manual' }).route.automatic).toBe(false)
  })

  it('is frozen', () => {
    const { state, policy, now } = new Stage()
    expect(Object.isFrozen(routeOf(state, policy, ms(now)))).toBe(true)
  })

  it('is published again only when something in it has changed, or at a tick', () => {
    const stage = new Stage().allFit().probed(GREEN, 'pass')
    expect(stage.effect('publish')).toBeUndefined()
    expect(stage.wait(1_000).effect('publish')).toBeDefined()
  })
})

const route: Route = { epoch: epoch(1), active: BLUE, fallback: GREEN, gate: 'open', automatic: true, trial: null }

describe('elsewhere than where it failed', () => {
  it.each<[string, Partial<Route>, typeof BLUE | null, typeof BLUE | null]>([
    ['is the fallback, after the active', {}, BLUE, GREEN],
    ['is the active, after any other', {}, GREEN, BLUE],
    ['is the active, when nobody has failed', {}, null, BLUE],
    ['is nowhere, without a fallback', { fallback: null }, BLUE, null],
    ['is nowhere while a decision is under way', { gate: 'hold' }, GREEN, null],
    ['is nowhere while nobody is active', { active: null }, GREEN, null],
  ])('%s', (_, change, failed, target) => {
    expect(elsewhere({ ...route, ...change }, failed)).toBe(target)
  })
})

describe('two routes', () => {
  it('are the same when every part is', () => {
    expect(sameRoute(route, { ...route })).toBe(true)
  })

  it.each([
    { epoch: epoch(2) },
    { active: null },
    { fallback: null },
    { gate: 'hold' },
    { automatic: false },
    { trial: { upstream: BLUE, share: 0.05 } },
  ] as const)('differ in %o', (change) => {
    expect(sameRoute(route, { ...route, ...change })).toBe(false)
  })
})
