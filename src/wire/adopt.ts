/** Gives an accepted socket the reusable buffer that `transport.ts` reads through. */
import net from 'node:net'
import tls from 'node:tls'

/** As Node's sockets take it when they are made. */
export type OnRead = { buffer: () => Buffer; callback: (length: number, buffer: Uint8Array) => boolean }

/**
 * A server's socket can be read through `onread` only when it is made with it, so the accepted socket's handle is moved
 * to one that is. `_handle` is internal: should it ever be missing, the accepted socket serves as it is.
 */
export function adopt(accepted: net.Socket, onread: OnRead): net.Socket {
  const holder = accepted as unknown as { _handle: unknown }
  const handle = holder._handle
  if (!handle || accepted instanceof tls.TLSSocket) {
    accepted.resume()
    return accepted
  }
  const early = accepted.readableLength > 0 ? accepted.read() : null
  holder._handle = null
  const socket = new net.Socket({ handle, onread, allowHalfOpen: true } as unknown as net.SocketConstructorOpts)
  // What was read on the way in (a PROXY header ends anywhere) comes first, as an ordinary event.
  if (early) socket.unshift(early)
  socket.resume()
  return socket
}
