// Members that come and go, in every order.
import { expect, test } from 'vitest'
import { NOWHERE, Roster } from '../../../src/wire/roster.ts'
import { randomFrom } from '../../integration/wire/mutate.ts'

class Member {
  at = NOWHERE
  readonly name: number
  constructor(name: number) {
    this.name = name
  }
}

const roster = (): Roster<'at', Member> => new Roster<'at', Member>('at')
const names = (members: Roster<'at', Member>): number[] => {
  const seen: number[] = []
  members.each(({ name }) => seen.push(name))
  return seen.sort((a, b) => a - b)
}

test.each([1, 2, 3])('has whom a set would have (seed %d)', (seed) => {
  const random = randomFrom(seed)
  const members = roster()
  const reference = new Set<Member>()
  const all = Array.from({ length: 20 }, (_, name) => new Member(name))
  for (let step = 0; step < 2_000; step++) {
    const member = all[random(all.length)]!
    if (random(2) === 0) {
      members.add(member)
      reference.add(member)
    } else expect(members.remove(member)).toBe(reference.delete(member))
    expect(members.size).toBe(reference.size)
    expect(names(members)).toEqual([...reference].map(({ name }) => name).sort((a, b) => a - b))
  }
})

test('visits those that were there at the beginning and still are', () => {
  const members = roster()
  const all = Array.from({ length: 6 }, (_, name) => new Member(name))
  for (const member of all) members.add(member)
  const seen: number[] = []
  const late = new Member(9)
  members.each((member) => {
    seen.push(member.name)
    members.add(late)
    // Itself, the one before and the one behind, whichever of them were visited.
    for (const name of [member.name - 1, member.name, member.name + 1]) if (all[name]) members.remove(all[name])
  })
  expect(seen).toEqual([0, 2, 4])
  expect(names(members)).toEqual([9])
})
