// 500 to all while the health check stays green: the commonest way for a health check to be useless.
import type { Behaviour } from '../behaviour.ts'

export const failEverythingButHealth: Behaviour = {
  refuse: (request) => (request.isHealth ? null : 500),
}
