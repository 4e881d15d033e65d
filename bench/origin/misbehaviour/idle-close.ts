// Idle connections are closed after 30 ms, without the `Keep-Alive: timeout` that would announce it: a balancer in between with
// a short patience. Every reuse may meet the close, which is the keep-alive race, and no sign of a failing origin.
import type { Behaviour } from '../behaviour.ts'

const IDLE_MS = 30

export const idleClose: Behaviour = {
  begin: ({ server }) => {
    server.keepAliveTimeout = IDLE_MS
    server.keepAliveTimeoutBuffer = 0
    // Node announces its timeout only where it writes this field itself.
    server.prependListener('request', (_request, response) => response.setHeader('Connection', 'keep-alive'))
  },
}
