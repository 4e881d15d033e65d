/**
 * Opens the connection to an upstream. With TLS, a PROXY header goes before the handshake, in the clear: that is where
 * receivers look for it.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { ConnectTo, TransportOwner } from '../wire/transport.ts'
import { Transport, tlsOptions } from '../wire/transport.ts'

/** Returns what breaks it off as long as `opened` was not called. Without TLS the header is left to the owner. */
export function openUpstream(
  to: ConnectTo,
  header: Buffer | null,
  owner: TransportOwner,
  opened: (transport: Transport) => void,
): () => void {
  const { host, port, socketPath, tls: secure } = to
  if (!secure || !header) {
    opened(Transport.connect(owner, to))
    return () => {}
  }
  const where = socketPath === null ? { host, port, noDelay: true } : { path: socketPath }
  const plain = net.connect({ ...where, allowHalfOpen: true })
  let open = false
  // Kept to the end: from then on the owner sees it close, and an error nobody listens for would end the process.
  plain.on('error', (error) => {
    if (!open) owner.onClosed(error)
  })
  plain.once('connect', () => {
    open = true
    plain.write(header)
    opened(Transport.accept(owner, tls.connect({ socket: plain, ...tlsOptions(secure) })))
  })
  return () => {
    if (!open) plain.destroy()
  }
}
