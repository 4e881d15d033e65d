// One route class is broken, everything else is fine. An application bug, which moving the traffic would not cure: both
// origins of a pair are told to have it, and a proxy must not fail over because of it.
import type { Behaviour } from '../behaviour.ts'

export const BROKEN_PATH = '/search'

export const onePath500: Behaviour = {
  refuse: (request) => (request.path.startsWith(BROKEN_PATH) ? 500 : null),
}
