import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import { blue, green, operator, type Setup, SimulatedPool, singleWriterPolicy } from '../../support/simulated-pool.ts'

let shop: SimulatedPool

const start = (setup?: Setup): void => {
  shop = SimulatedPool.running(setup)
}

afterEach(() => shop.stop())

describe('a stateless pool', () => {
  it('sends new work to the new active at once and lets the old one finish until the drain deadline', () => {
    start()
    shop.send(blue)
    expect(shop.switchover()).toEqual({ ok: true, changed: true })
    expect(shop.active).toBe(green)
    shop.clock.advance(29_999)
    expect(shop.orders).toEqual([])
  })

  it('ends tunnels of a planned switch at their own deadline, spread out, long after the requests', () => {
    start()
    shop.switchover()
    shop.clock.advance(299_999)
    expect(shop.orders).toEqual(['blue closeRequests'])
    shop.clock.advance(1)
    expect(shop.orders).toEqual(['blue closeRequests', 'blue closeTunnels 2000'])
  })

  it('cuts tunnels at once on a failover, and what is left at the drain deadline', () => {
    start()
    shop.blue = 'refuses'
    shop.connectFails(blue)
    shop.until(() => shop.active === green)
    shop.clock.advance(0)
    expect(shop.orders).toEqual(['blue abandonWaiting', 'blue closeTunnels 2000'])
    shop.clock.advance(30_000)
    expect(shop.orders).toEqual(['blue abandonWaiting', 'blue closeTunnels 2000', 'blue closeRequests'])
  })

  it('stops retiring an upstream that becomes active again', () => {
    start()
    shop.switchover()
    shop.clock.advance(1_000)
    shop.pool.command({ name: 'failback' }, operator)
    expect(shop.active).toBe(blue)
    shop.clock.advance(600_000)
    expect(shop.orders.filter((order) => order.startsWith('blue'))).toEqual([])
    expect(shop.orders).toContain('green closeRequests')
  })

  it('counts what it did', () => {
    start()
    shop.switchover()
    shop.pool.command({ name: 'failback' }, operator)
    expect(shop.pool.counters).toMatchObject({ switchovers: 1, failbacks: 1 })
  })

  it('holds requests while nobody is fit, and lets them go to whoever answers first', () => {
    start()
    const served: string[] = []
    shop.blue = 'refuses'
    shop.green = 'refuses'
    shop.connectFails(blue)
    shop.connectFails(green)
    shop.until(() => shop.active === null)
    expect(shop.pool.route.gate).toBe('hold')
    const accepts = { heldBytes: 1, offer: (route: { active: string | null }) => route.active === green }
    shop.pool.hold.enter({
      ...accepts,
      offer: (route) => accepts.offer(route) && served.push(String(route.active)) > 0,
      expire: () => served.push('expired'),
    })
    shop.green = 'fine'
    shop.until(() => shop.active === green, 1_900)
    expect(served).toEqual(['green'])
    expect(shop.pool.hold.size).toBe(0)
  })
})

describe('a single-writer pool with hooks', () => {
  const policy = { ...singleWriterPolicy, hooks: { fence: true, promote: true, timeout: 10_000 } }

  const finishHook = async (ok: boolean, detail = '') => {
    shop.hooks.at(-1)?.finish({ ok, detail })
    await setImmediate()
  }

  it('drains, cuts, fences, promotes, verifies, and only then moves', async () => {
    start({ policy })
    const ledger = shop.send(blue)
    shop.switchover()
    expect(shop.pool.route).toMatchObject({ active: blue, gate: 'hold' })
    expect(shop.orders).toEqual(['blue closeTunnels 0'])
    expect(shop.hooks).toHaveLength(0)

    shop.answer(ledger)
    expect(shop.orders).toEqual(['blue closeTunnels 0', 'blue closeTunnels 0', 'blue closeRequests'])
    expect(shop.hooks.map(({ run }) => run)).toEqual([
      { hook: 'fence', pool: 'shop', from: blue, to: green, epoch: epoch(1) },
    ])
    await finishHook(true)
    expect(shop.hooks.at(-1)?.run.hook).toBe('promote')
    expect(shop.active).toBe(blue)

    await finishHook(true)
    expect(shop.active).toBe(blue)
    shop.clock.advance(1)
    expect(shop.pool.route).toMatchObject({ active: green, gate: 'open', epoch: 2 })
  })

  it('rolls a planned switch back when a hook fails, and says which', async () => {
    start({ policy })
    shop.switchover()
    await finishHook(false, 'exit code 1: no quorum')
    expect(shop.pool.route).toMatchObject({ active: blue, gate: 'open', epoch: 1 })
    expect(shop.said('switch-failed')[0]?.text).toContain('fence hook failed: exit code 1: no quorum')
  })

  it('rolls back when requests do not finish within the time others may be held', () => {
    start({ policy })
    const ledger = shop.send(blue)
    shop.switchover()
    shop.clock.advance(2_000)
    expect(shop.pool.route).toMatchObject({ active: blue, gate: 'open', epoch: 1 })
    shop.answer(ledger)
    expect(shop.hooks).toHaveLength(0)
  })

  it('rolls back when a hook takes too long, and ignores its late success', async () => {
    start({ policy })
    shop.switchover()
    shop.clock.advance(10_000)
    expect(shop.pool.route).toMatchObject({ active: blue, gate: 'open' })
    await finishHook(true)
    expect(shop.pool.route).toMatchObject({ active: blue, gate: 'open' })
    expect(shop.hooks).toHaveLength(1)
  })

  it('cuts a dead active at once, before it fences', () => {
    start({ policy })
    shop.send(blue)
    shop.blue = 'refuses'
    shop.connectFails(blue)
    shop.until(() => shop.pool.route.gate === 'hold')
    expect(shop.orders.slice(0, 2)).toEqual(['blue closeTunnels 0', 'blue closeRequests'])
    expect(shop.hooks[0]?.run.hook).toBe('fence')
    expect(shop.pool.route.fallback).toBeNull()
  })

  it('refuses a second switch while one is under way', () => {
    start({ policy })
    shop.switchover()
    const reply = shop.pool.command({ name: 'failback' }, operator)
    expect(reply).toMatchObject({ ok: false, code: 'switch_in_progress' })
  })
})

describe('connections ahead of a planned change', () => {
  const opened = (): string[] => shop.orders.filter((order) => order.includes('preconnect'))

  it('are as many as the active has, and the failback follows them', () => {
    start()
    shop.blue = 'refuses'
    shop.until(() => shop.active === green)
    shop.blue = 'fine'
    shop.until(() => shop.active === blue, 60_000)
    expect(opened()).toEqual(['blue preconnect 5'])
  })

  it('are asked for by whoever prepares a command, and are waited for no longer than 250 ms', async () => {
    start()
    shop.connects = false
    let ready = false
    const prepared = shop.pool.prepare({ name: 'switchover', to: null }, operator).then(() => {
      ready = true
    })
    shop.clock.advance(249)
    await Promise.resolve()
    expect([opened(), ready]).toEqual([['green preconnect 5'], false])
    shop.clock.advance(1)
    await prepared
    expect(shop.active).toBe(blue)
  })

  it('are not asked for by a command that moves nothing, or that closes connections first', async () => {
    start()
    await shop.pool.prepare({ name: 'pause' }, operator)
    await shop.pool.prepare({ name: 'failback' }, operator)
    shop.stop()
    start({ policy: singleWriterPolicy })
    await shop.pool.prepare({ name: 'switchover', to: null }, operator)
    expect(opened()).toEqual([])
  })

  it('are opened by a single writer’s pool while the new one is verified', () => {
    start({ policy: singleWriterPolicy })
    shop.pool.command({ name: 'switchover', to: null }, operator)
    shop.until(() => shop.active === green)
    expect(opened()).toEqual(['green preconnect 5'])
    expect(shop.orders.indexOf('green preconnect 5')).toBeGreaterThan(shop.orders.indexOf('blue closeRequests'))
  })
})
