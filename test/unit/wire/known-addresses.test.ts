import { describe, expect, it } from 'vitest'
import { KnownAddresses } from '../../../src/wire/known-addresses.ts'
import { turns } from '../../support/signal.ts'

const NOWHERE = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })

function known(...addresses: string[]): KnownAddresses {
  const all = new KnownAddresses()
  all.learn(addresses)
  return all
}

describe('the address to begin with', () => {
  it('is the one that connected last, until the resolver has been asked again', () => {
    const addresses = known('10.0.0.1', '10.0.0.2', '10.0.0.3')
    addresses.connected('10.0.0.3', 1)
    expect(addresses.order).toEqual(['10.0.0.3', '10.0.0.1', '10.0.0.2'])
    addresses.learn(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    expect(addresses.order[0]).toBe('10.0.0.1')
  })

  it('is none that the name does not have any more', () => {
    const addresses = known('10.0.0.1')
    addresses.learn(['10.0.0.2'])
    addresses.connected('10.0.0.1', 1)
    expect(addresses.order).toEqual(['10.0.0.2'])
  })
})

describe('how long an attempt is left alone', () => {
  it('is 50 ms as long as connects are fast', () => {
    const addresses = known('10.0.0.1')
    for (let count = 0; count < 100; count++) addresses.connected('10.0.0.1', 20)
    expect(addresses.patience).toBe(50)
  })

  it('is twice as long as a connect takes to an upstream far away, which would see each of them twice otherwise', () => {
    const addresses = known('10.0.0.1')
    for (let count = 0; count < 10; count++) addresses.connected('10.0.0.1', 80)
    expect(addresses.patience).toBeGreaterThan(100)
    for (let count = 0; count < 100; count++) addresses.connected('10.0.0.1', 80)
    expect(addresses.patience).toBeCloseTo(160, 0)
  })

  it('is back at 50 ms after one connect that was fast', () => {
    const addresses = known('10.0.0.1')
    addresses.connected('10.0.0.1', 800)
    expect(addresses.patience).toBe(200)
    addresses.connected('10.0.0.1', 1)
    expect(addresses.patience).toBe(50)
  })

  it('does not grow by packets that were lost, of which the kernel sent the next after a second or more', () => {
    const addresses = known('10.0.0.1')
    for (let count = 0; count < 100; count++) addresses.connected('10.0.0.1', 1_000 + count * 20)
    expect(addresses.patience).toBe(50)
  })

  it('is never more than a second, when the kernel tries again', () => {
    const addresses = known('10.0.0.1')
    for (let count = 0; count < 100; count++) addresses.connected('10.0.0.1', 900)
    expect(addresses.patience).toBe(1_000)
  })
})

describe('who waits for the first answer', () => {
  it('is told once, when it is there', () => {
    const addresses = new KnownAddresses()
    const told: unknown[] = []
    addresses.whenKnown((problem) => told.push(problem))
    expect(told).toEqual([])
    addresses.learn(['10.0.0.1'])
    addresses.learn(['10.0.0.2'])
    expect(told).toEqual([null])
  })

  it('is told why there is none, and so is who comes later, but not at once', async () => {
    const addresses = new KnownAddresses()
    const told: unknown[] = []
    addresses.whenKnown((problem) => told.push(problem))
    addresses.unresolved(NOWHERE)
    expect(told).toEqual([NOWHERE])
    addresses.whenKnown((problem) => told.push(problem))
    expect(told).toHaveLength(1)
    await turns()
    expect(told).toEqual([NOWHERE, NOWHERE])
  })

  it('hears nothing any more once it does not wait', async () => {
    const addresses = new KnownAddresses()
    const told: unknown[] = []
    addresses.whenKnown((problem) => told.push(problem))()
    addresses.unresolved(NOWHERE)
    addresses.whenKnown((problem) => told.push(problem))()
    await turns()
    expect(told).toEqual([])
  })

  it('does not exist where addresses are known: a resolver that fails is nobody’s concern', () => {
    const addresses = known('10.0.0.1')
    addresses.unresolved(NOWHERE)
    expect(addresses.order).toEqual(['10.0.0.1'])
  })
})
