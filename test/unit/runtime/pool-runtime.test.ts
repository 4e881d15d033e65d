import { afterEach, describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import { blue, green, operator, type Setup, SimulatedPool, statelessPolicy } from '../../support/simulated-pool.ts'

let shop: SimulatedPool

const start = (setup?: Setup): void => {
  shop = SimulatedPool.running(setup)
}

afterEach(() => shop.stop())

describe('probes that are asked for where traffic is carried elsewhere', () => {
  it('are one for all who ask at the same moment, and another for who asks later', () => {
    start()
    const asked = () => shop.probes.filter(({ id }) => id === blue).length
    // Nothing else is under way at that moment.
    shop.clock.advance(7)
    const before = asked()
    for (let worker = 0; worker < 8; worker++) shop.pool.requestProbe(blue)
    expect(asked()).toBe(before + 1)
    shop.clock.advance(6)
    shop.pool.requestProbe(blue)
    expect(asked()).toBe(before + 2)
  })
})

describe('what survives a restart', () => {
  it('is saved before traffic follows it', () => {
    start()
    const seen: (string | null)[] = []
    shop.saved.length = 0
    const push = shop.saved.push.bind(shop.saved)
    shop.saved.push = (state) => {
      seen.push(shop.active)
      return push(state)
    }
    shop.switchover()
    expect(seen).toEqual([blue])
    expect(shop.saved.map((state) => [state.phase === 'serving' && state.active, Number(state.epoch)])).toEqual([
      [green, 2],
    ])
  })

  it('is saved at the start, and when automation is paused, but not at every probe', () => {
    start()
    shop.clock.advance(10_000)
    expect(shop.saved).toHaveLength(1)
    shop.pool.command({ name: 'pause' }, operator)
    expect(shop.saved.at(-1)?.automation).toBe('paused')
    expect(shop.saved).toHaveLength(2)
  })

  it('brings back the active and the pause, in the same epoch', () => {
    start({
      restored: {
        active: green,
        epoch: epoch(7),
        pinned: true,
        paused: true,
        last: null,
        resume: null,
        admin: new Map(),
      },
    })
    expect(shop.pool.route).toMatchObject({ active: green, epoch: 7, automatic: false })
    shop.clock.advance(120_000)
    expect(shop.active).toBe(green)
  })

  it('never lets the epoch go back, even if the upstream on record is gone', () => {
    start({
      restored: {
        active: upstreamId('red'),
        epoch: epoch(7),
        pinned: false,
        paused: false,
        last: null,
        resume: null,
        admin: new Map(),
      },
    })
    expect(shop.pool.route).toMatchObject({ active: blue, epoch: 8 })
  })

  it('gives way to a failover when the upstream on record is dead', () => {
    shop = new SimulatedPool({
      restored: {
        active: green,
        epoch: epoch(7),
        pinned: true,
        paused: false,
        last: null,
        resume: null,
        admin: new Map(),
      },
    })
    shop.green = 'refuses'
    shop.start()
    shop.clock.advance(50)
    expect(shop.pool.route).toMatchObject({ active: blue, epoch: 8 })
  })
})

describe('operators', () => {
  it('hear what is wrong and what to do instead', () => {
    start()
    expect(shop.pool.command({ name: 'switchover', to: upstreamId('red') }, operator)).toMatchObject({
      ok: false,
      code: 'unknown_upstream',
      hint: 'It has: blue, green.',
    })
    expect(() => shop.pool.ledger(upstreamId('red'))).toThrow('pool shop has no upstream red')
  })

  it('can pause automation: even a dead active stays then', () => {
    start()
    shop.pool.command({ name: 'pause' }, operator)
    shop.blue = 'refuses'
    shop.connectFails(blue)
    shop.clock.advance(5_000)
    expect(shop.active).toBe(blue)
    shop.pool.command({ name: 'resume' }, operator)
    expect(shop.active).toBe(green)
  })

  it('have a manual pool left alone', () => {
    start({ policy: { ...statelessPolicy, failover: 'manual' } })
    shop.blue = 'refuses'
    shop.connectFails(blue)
    shop.clock.advance(5_000)
    expect(shop.active).toBe(blue)
    expect(shop.pool.route.fallback).toBeNull()
  })

  it('find the pool deaf once it is stopped', () => {
    start()
    shop.stop()
    shop.switchover()
    shop.pool.probed(blue, { verdict: 'pass', failure: null, detail: '', latency: shop.clock.now() }, shop.clock.now())
    expect(shop.active).toBe(blue)
  })

  it('are still heard after an effect threw', () => {
    start()
    const broken = {
      heldBytes: 1,
      offer: () => {
        throw new Error('a fault of ours')
      },
      expire: () => {},
    }
    shop.pool.hold.enter(broken)
    expect(() => shop.switchover()).toThrow('a fault of ours')
    shop.pool.hold.leave(broken)
    shop.pool.command({ name: 'failback' }, operator)
    expect(shop.active).toBe(blue)
  })
})
