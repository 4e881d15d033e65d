// Half a second of 503 to all, health path included, half a second as if nothing were wrong, and so on: flapping.
import { now } from '../../clock.ts'
import type { Behaviour } from '../behaviour.ts'

const PHASE_MS = 500

let begunAt = 0

export const alternating: Behaviour = {
  begin: () => {
    begunAt = now()
  },
  refuse: () => (Math.floor((now() - begunAt) / PHASE_MS) % 2 === 0 ? 503 : null),
}
