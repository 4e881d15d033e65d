/**
 * Opens the connection to an upstream. With TLS, a PROXY header goes before the handshake, in the clear: that is where
 * receivers look for it.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { Clock } from '../core/time.ts'
import type { ConnectTls, ConnectTo } from '../wire/connect-to.ts'
import { tlsOptions } from '../wire/connect-to.ts'
import type { DialOwner, Where } from '../wire/dial.ts'
import { Dial } from '../wire/dial.ts'
import type { TransportOwner } from '../wire/transport.ts'
import { Transport } from '../wire/transport.ts'

type Setup = Readonly<{
  clock: Clock
  /** Without TLS it is left to the owner. */
  header: Buffer | null
  opened: (transport: Transport) => void
}>

/** Returns what breaks it off as long as `opened` was not called. */
export function openUpstream(to: ConnectTo, owner: TransportOwner, { clock, header, opened }: Setup): () => void {
  if (!to.tls || !header) {
    opened(Transport.connect(owner, to, clock))
    return () => {}
  }
  const dial = new Dial(to, new Introduction(header, to.tls, { owner, opened }), clock)
  return () => dial.cancel()
}

/** The header, and TLS after it. */
class Introduction implements DialOwner {
  private readonly header: Buffer
  private readonly tls: ConnectTls
  private readonly parties: Readonly<{ owner: TransportOwner; opened: (transport: Transport) => void }>

  constructor(header: Buffer, security: ConnectTls, parties: Introduction['parties']) {
    this.header = header
    this.tls = security
    this.parties = parties
  }

  openSocket(where: Where): net.Socket {
    return net.connect({ ...where, allowHalfOpen: true })
  }

  onDialled(socket: net.Socket): void {
    const { owner, opened } = this.parties
    // The owner sees it close; an error that nobody listens for would end the process.
    socket.on('error', () => {})
    socket.write(this.header)
    opened(Transport.accept(owner, tls.connect({ socket, ...tlsOptions(this.tls) })))
  }

  onUndialled(error: NodeJS.ErrnoException | null): void {
    this.parties.owner.onClosed(error)
  }
}
