// The port is open, every connection dies at once: a crashing worker behind a listening master, or a stale port forward.
// Established connections die as well, or a proxy with warm connections would never meet the fault.
import type { Behaviour } from '../behaviour.ts'

export const acceptAndClose: Behaviour = {
  begin: (origin) => {
    for (const socket of origin.sockets) socket.destroy()
  },
  onConnection: (socket) => {
    socket.destroy()
  },
}
