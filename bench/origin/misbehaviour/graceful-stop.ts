// A well-behaved deployment: no new connections, health answers 503, every answer says `Connection: close`, what is in
// flight finishes, then the process exits. Idle connections get LINGER_MS to be used once more and so learn of the stop;
// cutting them at once (what Node's server.close() does) would race with requests already on their way.
import type { Behaviour } from '../behaviour.ts'

const LINGER_MS = 1_000

export const gracefulStop: Behaviour = {
  begin: (origin) => {
    origin.stopListening()
    setTimeout(() => {
      origin.server.closeIdleConnections()
      origin.exitWhenIdle()
    }, LINGER_MS)
  },
  refuse: (request) => (request.isHealth ? 503 : null),
  closesAfterAnswer: true,
}
