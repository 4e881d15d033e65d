// Once a second the whole process stands still for 100 to 350 ms, as with a large heap that is collected.
import type { Behaviour } from '../behaviour.ts'

const EVERY_MS = 1_000
const PAUSES_MS = [100, 350, 220, 160, 290, 130, 250]

const standStill = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

export const pauses: Behaviour = {
  begin: () => {
    let next = 0
    setInterval(() => {
      standStill(PAUSES_MS[next % PAUSES_MS.length] ?? 0)
      next += 1
    }, EVERY_MS)
  },
}
