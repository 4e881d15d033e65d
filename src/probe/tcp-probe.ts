/**
 * Connects, and sees whether the connection is kept. Proves little: the kernel connects in the name of a process that
 * has stopped, so a hang goes unnoticed. For upstreams whose protocol no other probe speaks.
 */
import type { Conversation, Finding } from './conversation.ts'
import { converse, failed } from './conversation.ts'
import type { Probe } from './probe.ts'

/** A forwarder with nobody behind it (a container's published port, an SSH tunnel) accepts and closes at once. */
const LINGER = 20

const conversation: Conversation = {
  lingers: LINGER,
  opened: (_socket, elapsed): Finding => pass(elapsed),
  received: (_bytes, elapsed): Finding => pass(elapsed),
  closed: (_detail, failure) => failed(failure, 'accepts connections and closes them'),
  unanswered: (timeout) => failed('timeout', `no answer within ${timeout} ms`),
}

const pass = (elapsed: number): Finding => ({
  verdict: 'pass',
  failure: null,
  detail: `connected in ${Math.round(elapsed)} ms`,
})

export function tcpProbe(): Probe {
  return (target, limits, done) => converse({ ...target, tls: null }, limits, conversation, done)
}
