/** Walks the tree of all sequences of events up to a length. A failure names the sequence that leads to it. */
import type { PoolPolicy } from '../../../src/core/policy.ts'
import type { Letter } from './alphabet.ts'
import { tick } from './build.ts'
import type { World } from './invariants.ts'
import { take } from './invariants.ts'

/** Returns how many sequences were checked: each is cut after every one of its events. */
export function explore(start: World, policy: PoolPolicy, alphabet: readonly Letter[], length: number): number {
  let checked = 0
  const path: string[] = []
  const walk = (world: World, left: number): void => {
    for (const letter of alphabet) {
      const event = letter.event(world)
      if (!event) continue
      path.push(letter.name)
      const next = named(path, () => take(world, event, policy).world)
      checked++
      if (next.state.phase === 'switching') named(path, () => checkSwitchEnds(next, policy))
      // What changed nothing is followed by what could have come without it.
      if (left > 1 && (next.state !== world.state || event.type === 'tick')) walk(next, left - 1)
      path.pop()
    }
  }
  walk(start, length)
  return checked
}

function named<Result>(path: readonly string[], run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${reason}, after ${path.join(' → ')}`, { cause: error })
  }
}

/** Drain, fence, promote, verify; a roll-back may be followed by one more switch, away from an upstream taken out. */
const MOST_STEPS = 8

/** With nothing but the wake-ups it asked for, a switch is over in time. */
export function checkSwitchEnds(start: World, policy: PoolPolicy): void {
  let world = start
  for (let step = 0; world.state.phase === 'switching'; step++) {
    if (step > MOST_STEPS) throw new Error(`still switching (${world.state.step}) after ${step} wake-ups`)
    if (world.wake === null) throw new Error('nobody will wake the switch')
    world = take(world, tick(Math.max(world.now, world.wake)), policy).world
  }
}
