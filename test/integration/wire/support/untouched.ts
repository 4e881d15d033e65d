// How Node itself hands over a connection, for comparison.

import { once } from 'node:events'
import net from 'node:net'

/** Everything that somebody listens to on a socket, Node's own listeners too. */
export const listenersOn = (socket: net.Socket): Record<string, number> =>
  Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]))

/** The listeners on a socket that nobody has touched. */
export async function untouched(): Promise<Record<string, number>> {
  const bare = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true })
  bare.listen(0, '127.0.0.1')
  await once(bare, 'listening')
  const visitor = net.connect((bare.address() as net.AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(bare, 'connection')) as [net.Socket]
  const listeners = listenersOn(socket)
  socket.destroy()
  visitor.destroy()
  bare.close()
  return listeners
}
