// The listening socket is closed and every connection cut, while the process lives on: connects are refused.
import type { Behaviour } from '../behaviour.ts'

export const closePort: Behaviour = {
  begin: (origin) => {
    origin.stopListening()
    for (const socket of origin.sockets) socket.destroy()
  },
}
