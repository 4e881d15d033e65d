/** Gives an accepted socket the reusable buffer that `transport.ts` reads through. */
import net from 'node:net'
import tls from 'node:tls'
import { shared } from './read-buffers.ts'

/** As Node's sockets take it when they are made. */
export type OnRead = { buffer: () => Buffer; callback: (length: number, buffer: Uint8Array) => boolean }

type ServerHandle = { onconnection: (error: number, handle?: unknown) => void; setNoDelay?(on: boolean): void }

/**
 * A socket can be read through `onread` only when it is made with it, and who reads an accepted one is not known by then.
 * Until it is adopted it is like any other. Paused, with the options of the acceptor's server.
 */
class AcceptedSocket extends net.Socket {
  private readonly reader: { is: OnRead | null }

  constructor(handle: unknown) {
    const reader: { is: OnRead | null } = { is: null }
    const onread: OnRead = {
      buffer: () => reader.is?.buffer() ?? shared,
      callback: (length, bytes) =>
        reader.is?.callback(length, bytes) ?? this.push(Buffer.from(bytes.subarray(0, length))),
    }
    super({ handle, onread, allowHalfOpen: true, pauseOnCreate: true } as unknown as net.SocketConstructorOpts)
    this.reader = reader
  }

  readBy(onread: OnRead): void {
    this.reader.is = onread
    // It has the shared one already, and tells so.
    onread.buffer()
  }
}

/**
 * Has a server that listens make sockets that can be adopted as they are: no second one for each connection. `_handle` is
 * internal: should it ever be missing, this returns false, and they arrive as usual.
 */
export function acceptAdoptable(server: net.Server, accept: (socket: net.Socket) => void): boolean {
  const { _handle: listening } = server as unknown as { _handle: ServerHandle | null }
  if (typeof listening?.onconnection !== 'function') return false
  // Its sockets inherit that, which saves a system call for each.
  listening.setNoDelay?.(true)
  const usual = listening.onconnection
  listening.onconnection = (error, handle) => {
    if (error || !handle) return usual.call(listening, error, handle)
    accept(new AcceptedSocket(handle))
  }
  return true
}

/**
 * Of a socket that was not made for it, the handle is moved to one that is. `_handle` is internal: should it ever be
 * missing, the accepted socket serves as it is, by ordinary events.
 */
export function adopt(accepted: net.Socket, onread: OnRead): net.Socket {
  const socket = accepted instanceof AcceptedSocket ? accepted : moved(accepted, onread)
  if (socket instanceof AcceptedSocket) socket.readBy(onread)
  socket.resume()
  return socket
}

function moved(accepted: net.Socket, onread: OnRead): net.Socket {
  const holder = accepted as unknown as { _handle: unknown }
  const handle = holder._handle
  if (!handle || accepted instanceof tls.TLSSocket) return accepted
  const early = accepted.readableLength > 0 ? accepted.read() : null
  holder._handle = null
  const socket = new net.Socket({ handle, onread, allowHalfOpen: true } as unknown as net.SocketConstructorOpts)
  // What was read on the way in (a PROXY header ends anywhere) comes first, as an ordinary event.
  if (early) socket.unshift(early)
  return socket
}
