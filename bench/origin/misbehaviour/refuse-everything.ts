// 503 to all, health path included: an application that lost its database and says so.
import type { Behaviour } from '../behaviour.ts'

export const refuseEverything: Behaviour = {
  refuse: () => 503,
}
