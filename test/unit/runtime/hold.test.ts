import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import type { Route } from '../../../src/core/route.ts'
import { Hold, type Waiter } from '../../../src/runtime/hold.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { blue, green } from '../../support/simulated-pool.ts'

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

/** Waits for connections to `to`, of which there are as many as the test says. */
class Caller implements Waiter {
  readonly heldBytes = 10
  readonly name: string
  to: typeof blue | null = blue
  looked = 0

  constructor(name: string) {
    this.name = name
  }

  enter(): this {
    if (!this.offer(route)) hold.enter(this)
    hold.lineUp(this, this.to)
    return this
  }

  offer(offered: Route): boolean {
    this.looked++
    const { to } = this
    if (to !== null && offered.gate === 'open' && free > 0 && hold.isTurnOf(this, to)) {
      free--
      log.push(`${this.name} goes on`)
      return true
    }
    hold.lineUp(this, offered.gate === 'open' ? to : null)
    return false
  }

  expire(): void {
    log.push(`${this.name} expires`)
  }
}

let free = 0

describe('requests that wait for a connection', () => {
  beforeEach(() => {
    hold = new Hold({ requests: 2_000, bytes: 100_000, time: 2_000 }, clock)
    free = 0
  })

  it('go on one by one, as connections become free, in the order in which they came', () => {
    for (const name of ['first', 'second', 'third']) new Caller(name).enter()
    free = 1
    hold.offerConnection(blue, route)
    expect(log).toEqual(['first goes on'])
    free = 5
    hold.offerConnection(blue, route)
    expect(log).toEqual(['first goes on', 'second goes on', 'third goes on'])
    expect([hold.size, free]).toEqual([0, 3])
  })

  it('do not all look when one connection becomes free', () => {
    const callers = Array.from({ length: 1_000 }, (_, nr) => new Caller(`${nr}`).enter())
    for (const caller of callers) caller.looked = 0
    free = 1
    hold.offerConnection(blue, route)
    expect(callers.map(({ looked }) => looked).reduce((sum, looked) => sum + looked)).toBe(2)
  })

  it('are not overtaken, even if a connection is free that none of them has been told of', () => {
    new Caller('first').enter()
    free = 1
    new Caller('newcomer').enter()
    expect(log).toEqual([])
    expect([hold.isTurnOf(null, blue), hold.isTurnOf(null, green)]).toEqual([false, true])
    hold.offerConnection(blue, route)
    expect(log).toEqual(['first goes on'])
  })

  it('do not stand in the way of those who wait for a connection to another upstream', () => {
    new Caller('to blue').enter()
    const other = new Caller('to green')
    other.to = green
    other.enter()
    free = 1
    hold.offerConnection(green, route)
    expect(log).toEqual(['to green goes on'])
  })

  it('make way when it is not a connection that they wait for any more', () => {
    const first = new Caller('first').enter()
    new Caller('second').enter()
    first.to = null
    free = 1
    hold.offerConnection(blue, route)
    expect(log).toEqual(['second goes on'])
    expect(hold.size).toBe(1)
  })

  it('make way when they leave, or expire', () => {
    const [first] = ['first', 'second', 'third'].map((name) => new Caller(name).enter())
    if (first) hold.leave(first)
    clock.advance(1_000)
    new Caller('fourth').enter()
    clock.advance(1_000)
    expect(log).toEqual(['second expires', 'third expires'])
    free = 1
    hold.offerConnection(blue, route)
    expect(log.at(-1)).toBe('fourth goes on')
  })

  it('go on elsewhere with a new route, or line up there, in the order in which they came', () => {
    const callers = ['first', 'second', 'third'].map((name) => new Caller(name).enter())
    for (const caller of callers) caller.to = green
    free = 1
    hold.offer({ ...route, epoch: epoch(2), active: green })
    expect(log).toEqual(['first goes on'])
    hold.offerConnection(blue, route)
    free = 2
    hold.offerConnection(green, route)
    expect(log).toEqual(['first goes on', 'second goes on', 'third goes on'])
  })

  it('keep their place in the order of arrival while a switch is under way', () => {
    for (const name of ['first', 'second']) new Caller(name).enter()
    hold.offer({ ...route, gate: 'hold' })
    free = 1
    hold.offerConnection(blue, route)
    expect(log).toEqual([])
    new Caller('newcomer').enter()
    expect(log).toEqual(['newcomer goes on'])
    hold.offer(route)
    free = 1
    hold.offerConnection(blue, route)
    expect(log).toEqual(['newcomer goes on', 'first goes on'])
  })
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
