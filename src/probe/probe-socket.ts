/**
 * Opens the socket of a probe: connects, sends the PROXY header if there is one, and then encrypts, at once or after
 * the upstream has agreed to. What is said afterwards is its owner's business.
 *
 * It connects by the same race as traffic does (`wire/dial.ts`): a probe that sees an upstream by another way would tell of
 * that way, and a lost SYN would cost as much of its timeout as a hang.
 */
import type { Socket } from 'node:net'
import { connect, isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import { createSecureContext, connect as secure } from 'node:tls'
import type { Clock } from '../core/time.ts'
import type { DialOwner, Where } from '../wire/dial.ts'
import { Dial } from '../wire/dial.ts'
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

export class ProbeSocket implements DialOwner {
  private readonly target: ProbeTarget
  private readonly encryption: Encryption
  private readonly owner: SocketOwner
  private readonly context: SecureContext | null
  private readonly dial: Dial
  private bare: Socket | null = null
  /** What is spoken on: the bare one, until it is encrypted. */
  private current: Socket | null = null

  /** Throws when the certificates in the target are none. */
  constructor(target: ProbeTarget, encryption: Encryption, owner: SocketOwner, clock: Clock) {
    this.target = target
    this.encryption = encryption
    this.owner = owner
    this.context = target.tls ? contextOf(target.tls) : null
    const { addresses, port, socketPath = null } = target
    this.dial = new Dial({ addresses, port, socketPath }, this, clock)
  }

  destroy(): void {
    this.dial.cancel()
    this.current?.destroy()
    this.bare?.destroy()
  }

  openSocket(where: Where): Socket {
    return connect(where)
  }

  onDialled(bare: Socket): void {
    const { owner, target, encryption, context } = this
    this.bare = bare
    this.current = bare
    this.watch(bare)
    owner.connected()
    if (bare.destroyed) return
    if (target.proxyHeader) bare.write(target.proxyHeader)
    if (!context) return owner.opened(bare)
    const { startTls } = encryption
    if (!startTls) return this.encrypt(bare, context)
    bare.write(startTls.request)
    bare.once('data', (bytes: Buffer) => {
      const refusal = startTls.answered(bytes)
      if (refusal) owner.declined(refusal)
      else this.encrypt(bare, context)
    })
  }

  onUndialled(error: NodeJS.ErrnoException | null): void {
    this.owner.broken(error)
  }

  private encrypt(bare: Socket, secureContext: SecureContext): void {
    const { tls, host } = this.target
    const { alpn } = this.encryption
    const name = tls?.serverName ?? host
    const socket = secure({
      socket: bare,
      // What the certificate has to be for.
      host: name,
      secureContext,
      rejectUnauthorized: tls?.verify ?? true,
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
      // An address is no name to ask for (RFC 6066 §3).
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
