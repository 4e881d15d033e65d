import type { Socket } from 'node:net'
import type { Clock } from '../core/time.ts'

/** How long a connection that is done with is still read. */
const LINGER = 2_000

const gentle = new WeakSet<Socket>()

/**
 * Node's server closes a connection with what the client is still sending unread, and the reset that follows may overtake
 * the answer (RFC 9112 §9.6). From now on this one is read, and thrown away, until the client closes too.
 */
export function closeGently(socket: Socket, clock: Clock): void {
  if (gentle.has(socket)) return
  gentle.add(socket)
  let closing = false
  socket.destroySoon = () => {
    if (closing || socket.destroyed) return
    closing = true
    const cancel = clock.after(LINGER, () => socket.destroy())
    socket.once('close', cancel)
    socket.end()
    socket.resume()
  }
}
