/**
 * Connects, and sees whether the connection is kept. Proves little: the kernel connects in the name of a process that
 * has stopped, so a hang goes unnoticed. For upstreams whose protocol no other probe speaks.
 */
import type { Finding } from './attempt.ts'
import { failed, passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import type { Probe } from './probe.ts'

/** A forwarder with nobody behind it (a container's published port, an SSH tunnel) accepts and closes at once. */
const LINGER = 20

const conversation: Conversation = {
  lingers: LINGER,
  opened: (_socket, elapsed): Finding => pass(elapsed),
  received: (_bytes, elapsed): Finding => pass(elapsed),
  closed: (_detail, failure) => failed(failure, 'accepts connections and closes them'),
}

const pass = (elapsed: number): Finding => passed(`connected in ${Math.round(elapsed)} ms`)

export function tcpProbe(): Probe {
  return (target, limits, done) => converse({ ...target, tls: null }, limits, conversation, done)
}
