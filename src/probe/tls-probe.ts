/** Completes a TLS handshake, which takes a process that runs and a certificate that holds. Asks nothing of the service. */
import { passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import type { Probe } from './probe.ts'
import { withTls } from './probe.ts'

const conversation: Conversation = {
  opened: (_socket, elapsed) => passed(`handshake in ${Math.round(elapsed)} ms`),
}

export function tlsProbe(): Probe {
  return (target, limits, done) => converse(withTls(target), limits, conversation, done)
}
