/** Ports that several sockets listen on, so that each turn of the event loop lets in several connections. */
import { createServer } from 'node:net'
import { platform } from 'node:os'
import type { ListenerConfig } from '../config/schema.ts'
import { listenerCannotListen } from './start-error.ts'

type Listeners = Readonly<Record<string, ListenerConfig>>

const MOST = 8
/** Of all listeners together: each is a file descriptor. */
const MOST_IN_ALL = 64

/** How many sockets each listener has, in each thread. */
export function socketsEach(listeners: Listeners): number {
  // Other systems give all connections to one of them, or let none share a port.
  if (platform() !== 'linux') return 1
  return Math.max(1, Math.min(MOST, Math.floor(MOST_IN_ALL / Object.keys(listeners).length)))
}

/** A port that is shared could be shared with another process as well, which nobody would notice. Rejects with a StartError. */
export async function mustBeFree(listeners: Listeners): Promise<void> {
  for (const [name, { listen }] of Object.entries(listeners)) {
    if (listen.kind === 'unix' || listen.port === 0) continue
    const { host, port, text } = listen
    const server = createServer()
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen({ host, port, exclusive: true }, resolve)
      })
      await new Promise((resolve) => server.close(resolve))
    } catch (error) {
      throw listenerCannotListen(name, text, error)
    }
  }
}
