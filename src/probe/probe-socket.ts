/**
 * Opens the socket of a probe: connects, sends the PROXY header if there is one, and then encrypts, at once or after
 * the upstream has agreed to. What is said afterwards is its owner's business.
 */
import type { Socket } from 'node:net'
import { connect, isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import { createSecureContext, connect as secure } from 'node:tls'
import type { Finding } from './attempt.ts'
import type { ProbeTarget, ProbeTls } from './probe.ts'

/** Asks in clear text whether TLS may begin, as protocols do that have one port for both. */
export interface StartTls {
  readonly request: Buffer
  /** Null: it may. Gets the first bytes that arrive. */
  answered(bytes: Buffer): Finding | null
}

export type Encryption = Readonly<{
  /** What to agree on (RFC 7301). */
  alpn: readonly string[]
  startTls: StartTls | null
}>

interface SocketOwner {
  /** The connection is open, but it may have to be encrypted yet. */
  connected(): void
  opened(socket: Socket): void
  /** The upstream has not agreed to TLS. */
  declined(finding: Finding): void
  /** May come more than once. Null: closed without an error. */
  broken(error: NodeJS.ErrnoException | null): void
}

export class ProbeSocket {
  private readonly target: ProbeTarget
  private readonly encryption: Encryption
  private readonly owner: SocketOwner
  private readonly bare: Socket
  private current: Socket

  /** Throws when the certificates in the target are none. */
  constructor(target: ProbeTarget, encryption: Encryption, owner: SocketOwner) {
    this.target = target
    this.encryption = encryption
    this.owner = owner
    const context = target.tls ? contextOf(target.tls) : null
    const { host, port, socketPath } = target
    this.bare = socketPath === undefined ? connect({ host, port, noDelay: true }) : connect({ path: socketPath })
    this.current = this.bare
    this.watch(this.bare)
    this.bare.on('connect', () => this.connected(context))
  }

  destroy(): void {
    this.current.destroy()
    this.bare.destroy()
  }

  private connected(context: SecureContext | null): void {
    const { bare, owner, target, encryption } = this
    owner.connected()
    if (bare.destroyed) return
    if (target.proxyHeader) bare.write(target.proxyHeader)
    if (!context) return owner.opened(bare)
    const { startTls } = encryption
    if (!startTls) return this.encrypt(context)
    bare.write(startTls.request)
    bare.once('data', (bytes: Buffer) => {
      const refusal = startTls.answered(bytes)
      if (refusal) owner.declined(refusal)
      else this.encrypt(context)
    })
  }

  private encrypt(secureContext: SecureContext): void {
    const { tls, host } = this.target
    const { alpn } = this.encryption
    const name = tls?.serverName ?? host
    const socket = secure({
      socket: this.bare,
      host,
      secureContext,
      rejectUnauthorized: tls?.verify ?? true,
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
      // An address is no name to ask for (RFC 6066 §3); the certificate is checked against it all the same.
      ...(name !== '' && isIP(name) === 0 ? { servername: name } : {}),
    })
    this.current = socket
    this.watch(socket)
    socket.on('secureConnect', () => this.owner.opened(socket))
  }

  /** Once a socket is encrypted, the one below it has nothing to say: the reason is known above. */
  private watch(socket: Socket): void {
    const broken = (error: NodeJS.ErrnoException | null): void => {
      if (socket === this.current) this.owner.broken(error)
    }
    socket.on('error', broken)
    socket.on('end', () => broken(null))
    socket.on('close', () => broken(null))
  }
}

function contextOf({ ca, cert, key }: ProbeTls): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  })
}
