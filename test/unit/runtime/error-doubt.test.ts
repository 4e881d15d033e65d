// One request after another fails, and nobody knows yet whether the next one will: what becomes of those that cannot be sent twice.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Waiter } from '../../../src/runtime/hold.ts'
import { blue, green, SimulatedPool } from '../../support/simulated-pool.ts'

let shop: SimulatedPool

beforeEach(() => {
  shop = new SimulatedPool()
  shop.start()
  shop.clock.advance(2_000)
})

afterEach(() => shop.stop())

const fail = (...classes: string[]) => {
  for (const routeClass of classes) shop.pool.ledger(blue).attemptAnswered(500, routeClass, shop.clock.now())
}
const doubt = () => shop.pool.doubtAt(shop.clock.now())

/** Waits as a POST does: until there is no doubt, or somebody else to go to. */
class Post implements Waiter {
  readonly heldBytes = 0
  sentTo: string | null = null

  offer(): boolean {
    if (shop.pool.route.active === blue && doubt() !== 'none') return false
    this.sentTo = shop.pool.route.active
    return true
  }

  expire(): void {}
}

async function held(): Promise<Post> {
  const post = new Post()
  expect(post.offer()).toBe(false)
  shop.pool.hold.enter(post)
  await settled()
  return post
}

/** What waits is told in a microtask. */
const settled = () => Promise.resolve()

describe('an unsafe request', () => {
  it('waits after two errors of two kinds, and not after two of one', () => {
    fail('GET /a', 'GET /a')
    expect(doubt()).toBe('none')
    fail('GET /b')
    expect(doubt()).toBe('hesitant')
    expect(shop.pool.doubt).toBe('none')
  })

  it('goes on with the first good answer to a request that was sent after the errors', async () => {
    const older = shop.send(blue)
    shop.clock.advance(1)
    fail('GET /a', 'GET /b')
    const post = await held()
    shop.answer(older)
    await settled()
    expect(post.sentTo).toBeNull()
    shop.answer(shop.send(blue))
    await settled()
    expect(post.sentTo).toBe(blue)
  })

  it('goes to the standby when the errors lead to a verdict', async () => {
    fail('GET /a', 'GET /b')
    const post = await held()
    for (let error = 0; error < 13; error++) fail(`GET /${error}`)
    await settled()
    expect(shop.active).toBe(green)
    expect(post.sentTo).toBe(green)
  })

  it('goes on after a quarter of a second at the latest, and is not held again by the same errors', async () => {
    fail('GET /a', 'GET /b')
    const post = await held()
    shop.clock.advance(240)
    await settled()
    expect(post.sentTo).toBeNull()
    shop.clock.advance(40)
    await settled()
    expect(post.sentTo).toBe(blue)
    expect(doubt()).toBe('none')
  })

  it('does not wait for errors when nobody could take over', () => {
    shop.green = 'stopped'
    shop.clock.advance(5_000)
    fail('GET /a', 'GET /b')
    expect(doubt()).toBe('none')
  })

  it('that nobody holds any more hears nothing of a run that ends', async () => {
    fail('GET /a', 'GET /b')
    shop.answer(shop.send(blue))
    await settled()
    expect(doubt()).toBe('none')
  })
})
