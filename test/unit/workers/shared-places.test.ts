import { beforeEach, describe, expect, it, vi } from 'vitest'
import { clearCell } from '../../../src/workers/shared-cells.ts'
import { SharedPlaces, sharedPlaceCount } from '../../../src/workers/shared-places.ts'

let log: string[]
let one: SharedPlaces
let other: SharedPlaces
const count = () => sharedPlaceCount(2, 2)

beforeEach(() => {
  log = []
  const shared = count()
  one = new SharedPlaces(shared, 0, () => log.push('one tells'))
  other = new SharedPlaces(shared, 1, () => log.push('other tells'))
  one.listen(() => log.push('free at one'))
  other.listen(() => log.push('free at other'))
})

describe('places that two workers share', () => {
  it('are never more than there are', () => {
    expect([one.take(), other.take(), one.take(), other.take()]).toEqual([true, true, false, false])
  })

  it('are given back without a word to the others while nobody wants one', () => {
    one.take()
    one.giveBack()
    expect(log).toEqual(['free at one'])
  })

  it('are found though they are given back between the look and the word that was left', () => {
    const shared = count()
    const late = new SharedPlaces(shared, 0, () => {})
    const giver = new SharedPlaces(shared, 1, () => {})
    for (const places of [giver, giver]) places.take()
    const { store } = Atomics
    const spy = vi.spyOn(Atomics, 'store').mockImplementationOnce((...args: Parameters<typeof store>) => {
      const left = store(...args)
      giver.giveBack()
      return left
    })
    expect(late.take()).toBe(true)
    spy.mockRestore()
    expect(giver.wantedElsewhere).toBe(false)
  })

  it('are told of when given back, if another has found none', () => {
    for (const places of [one, one, other]) places.take()
    one.giveBack()
    expect(log).toEqual(['free at one', 'one tells'])
    other.freedElsewhere()
    expect(log.at(-1)).toBe('free at other')
    expect([other.take(), one.wantedElsewhere]).toEqual([true, false])
  })

  it('are owed by who has more than its share, as long as another wants one', () => {
    for (const places of [one, one]) places.take()
    expect(one.owed).toBe(false)
    other.take()
    expect([one.owed, other.owed]).toEqual([true, false])
    one.giveBack()
    expect(one.owed).toBe(false)
  })

  it('come back when a worker has ended, and with it its wish', () => {
    const shared = count()
    const dead = new SharedPlaces(shared, 0, () => {})
    const left = new SharedPlaces(shared, 1, () => {})
    for (const places of [dead, dead, dead]) places.take()
    for (const cells of [shared.taken.cells, shared.wanted]) clearCell(cells, 0)
    expect([left.take(), left.take(), left.wantedElsewhere]).toEqual([true, true, false])
  })
})
