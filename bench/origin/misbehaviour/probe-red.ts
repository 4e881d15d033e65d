// The health path answers 503 while all else is fine: a check with a dependency that the traffic does not have.
import type { Behaviour } from '../behaviour.ts'

export const probeRed: Behaviour = {
  refuse: (request) => (request.isHealth ? 503 : null),
}
