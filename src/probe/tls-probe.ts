/** Completes a TLS handshake, which takes a process that runs and a certificate that holds. Asks nothing of the service. */
import type { Conversation } from './conversation.ts'
import { converse, failed } from './conversation.ts'
import type { Probe } from './probe.ts'

const conversation: Conversation = {
  lingers: 0,
  opened: (_socket, elapsed) => ({
    verdict: 'pass',
    failure: null,
    detail: `handshake in ${Math.round(elapsed)} ms`,
  }),
  received: () => null,
  closed: (detail, failure) => failed(failure, detail),
  unanswered: (timeout) => failed('timeout', `no answer within ${timeout} ms`),
}

export function tlsProbe(): Probe {
  return (target, limits, done) => {
    // A target without TLS settings of its own is still probed with TLS: the probe is called that.
    const secured = { ...target, tls: target.tls ?? { verify: true } }
    return converse(secured, limits, conversation, done)
  }
}
