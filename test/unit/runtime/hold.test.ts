import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import type { Route } from '../../../src/core/route.ts'
import { Hold, type Waiter } from '../../../src/runtime/hold.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { blue } from '../../support/simulated-pool.ts'

const route: Route = { epoch: epoch(1), active: blue, fallback: null, gate: 'open', automatic: true, trial: null }

let clock: FakeClock
let hold: Hold
let log: string[]

const waiter = (name: string, heldBytes = 10, takes = true): Waiter => ({
  heldBytes,
  offer: () => {
    if (takes) log.push(`${name} goes on`)
    return takes
  },
  expire: () => log.push(`${name} expires`),
})

beforeEach(() => {
  clock = new FakeClock()
  hold = new Hold({ requests: 3, bytes: 100, time: 2_000 }, clock)
  log = []
})

afterEach(() => {
  hold.expireAll()
  clock.assertIdle()
})

describe('requests on hold', () => {
  it('go on in the order in which they came', () => {
    for (const name of ['first', 'second', 'third']) hold.enter(waiter(name))
    hold.offer(route)
    expect(log).toEqual(['first goes on', 'second goes on', 'third goes on'])
    expect(hold.size).toBe(0)
  })

  it('keep their place when a route is not for them', () => {
    hold.enter(waiter('choosy', 10, false))
    hold.enter(waiter('easy'))
    hold.offer(route)
    expect(log).toEqual(['easy goes on'])
    expect(hold.size).toBe(1)
  })

  it('are bounded in number', () => {
    expect(['a', 'b', 'c', 'd'].map((name) => hold.enter(waiter(name)))).toEqual([true, true, true, false])
  })

  it('are bounded in bytes, and make room when they leave', () => {
    const large = waiter('large', 95)
    expect(hold.enter(large)).toBe(true)
    expect(hold.enter(waiter('small'))).toBe(false)
    hold.leave(large)
    hold.leave(large)
    expect(hold.enter(waiter('small'))).toBe(true)
    expect(hold.enter(waiter('large', 91))).toBe(false)
    expect(hold.enter(waiter('fits', 90))).toBe(true)
  })

  it('are bounded in time, each from its own arrival', () => {
    hold.enter(waiter('early'))
    clock.advance(500)
    hold.enter(waiter('late'))
    clock.advance(1_499)
    expect(log).toEqual([])
    clock.advance(1)
    expect(log).toEqual(['early expires'])
    clock.advance(500)
    expect(log).toEqual(['early expires', 'late expires'])
    expect(clock.scheduled).toBe(0)
  })

  it('are not offered a route after another one made them leave', () => {
    const second = waiter('second')
    const first: Waiter = {
      heldBytes: 1,
      offer: () => {
        hold.leave(second)
        return true
      },
      expire: () => {},
    }
    hold.enter(first)
    hold.enter(second)
    hold.offer(route)
    expect(log).toEqual([])
    expect(hold.size).toBe(0)
  })

  it('all end when the pool stops', () => {
    hold.enter(waiter('a'))
    hold.enter(waiter('b'))
    hold.expireAll()
    expect(log).toEqual(['a expires', 'b expires'])
    expect(hold.time).toBe(2_000)
  })
})
