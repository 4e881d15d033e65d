/**
 * The server's side of TLS: takes an accepted socket through the handshake and hands over the secured one. Knows nothing
 * of files, nor of how long a handshake may take: who is tired of waiting destroys the socket.
 */
import { constants, randomBytes } from 'node:crypto'
import type net from 'node:net'
import tls from 'node:tls'
import type { Arrival, ClientCertificate } from './arrival.ts'
import { certificateChoice, certificateNames } from './certificate-choice.ts'
import type { CertificatePem } from './certificate-pem.ts'
import { checkClientCa, checkedContext, checkPair, reasonOf } from './certificate-pem.ts'
import { clientCertificate } from './client-certificate.ts'
import { readClientHello } from './client-hello.ts'
import { Peek } from './peek.ts'
import { failureKindOf } from './socket-failure.ts'

export type ServerTlsSettings = Readonly<{
  /** The first serves clients without SNI, or with a name that is unknown. */
  certificates: readonly [CertificatePem, ...CertificatePem[]]
  minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** ask: a client may come without a certificate; require: it may not. One that does not verify is refused in both. */
  clients: Readonly<{ ca: string; mode: 'ask' | 'require' }> | null
  /** In the order of the server's preference. Empty: ALPN is not looked at. */
  alpn: readonly ('h2' | 'http/1.1')[]
}>

export type Secured = Readonly<{
  /** Paused; what arrived with the handshake lies in its buffer. Half open connections are allowed. */
  socket: tls.TLSSocket
  protocol: Arrival['protocol']
  serverName: string
  certificate: ClientCertificate | null
}>

type Done = (result: Secured | Error) => void
type Waiting = { readonly done: Done; serverName: string }

/** TLS 1.3's own, then for TLS 1.2 only what has forward secrecy and AEAD; HTTP/2 forbids the rest (RFC 9113 §9.2.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** Devices without AES in hardware say so by asking for ChaCha20 first. Renegotiation costs the server most of the work. */
const OPTIONS = constants.SSL_OP_PRIORITIZE_CHACHA | constants.SSL_OP_NO_RENEGOTIATION
export const TICKET_KEY_BYTES = 48

export class ServerTls {
  /** The same for all certificates and for every replacement, so that clients need no full handshake after it. */
  private readonly ticketKeys: Buffer
  private readonly waiting = new WeakMap<net.Socket, Waiting>()
  private server: tls.Server
  private readsHello: boolean

  /** Throws an UnusableCertificate. */
  constructor(settings: ServerTlsSettings, ticketKeys: Buffer | null = null) {
    this.ticketKeys = ticketKeys ?? randomBytes(TICKET_KEY_BYTES)
    this.server = this.build(settings)
    this.readsHello = forgetsNames(settings)
  }

  /**
   * New handshakes use the new ones; connections that are open stay, and session tickets keep their worth. Throws an
   * UnusableCertificate and changes nothing when they are unusable.
   */
  replace(settings: ServerTlsSettings): void {
    this.server = this.build(settings)
    this.readsHello = forgetsNames(settings)
  }

  /** Calls `done` once, later. After an error the socket is destroyed. Bytes that were put back are part of the handshake. */
  handshake(socket: net.Socket, done: Done): void {
    if (socket.destroyed) return queueMicrotask(() => done(new Error(LEFT)))
    const waiting: Waiting = { done, serverName: '' }
    this.waiting.set(socket, waiting)
    if (!this.readsHello) return this.begin(socket)
    const onBeginning = (bytes: Buffer): number | null => {
      const hello = readClientHello(bytes)
      if (hello.state === 'complete') waiting.serverName = hello.serverName
      // What is wrong with it is for OpenSSL to say.
      return hello.state === 'partial' ? null : 0
    }
    const onCutShort = (): void => {
      socket.destroy()
      this.finish(socket, new Error(LEFT))
    }
    new Peek(socket, { onBeginning, onCutShort, onDecided: () => this.begin(socket) })
  }

  private begin(socket: net.Socket): void {
    // The TLS socket takes this over. A client that has said its last word in mid-handshake will not finish it.
    socket.allowHalfOpen = false
    this.server.emit('connection', socket)
  }

  /** A server that never listens: documented to take sockets through its event `connection`. */
  private build(settings: ServerTlsSettings): tls.Server {
    const { certificates, clients, alpn } = settings
    const names = certificates.map((pem, index) => certificateNames(checkPair(pem, index).subjectAltName))
    if (clients) checkClientCa(clients.ca)
    const shared = this.contextOptions(settings)
    const contexts = certificates.map((pem, index) => checkedContext({ ...shared, ...pem }, index))
    const choose = certificateChoice(names)
    const options: tls.TlsOptions = {
      ...shared,
      ...certificates[0],
      requestCert: clients !== null,
      rejectUnauthorized: clients?.mode === 'require',
      pauseOnConnect: true,
      // Without overlap the handshake ends with no_application_protocol (RFC 7301 §3.2).
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
    }
    // With one certificate there is nothing to choose, and no handshake has to ask.
    if (contexts.length > 1) options.SNICallback = (name, chosen) => chosen(null, contexts[choose(name)])
    const server = new tls.Server(options)
    server.on('secureConnection', (secured) => this.onSecure(secured))
    server.on('tlsClientError', (error, secured) => this.onFailure(secured, failureText(error, secured)))
    return server
  }

  private contextOptions({ clients, minVersion }: ServerTlsSettings): tls.SecureContextOptions {
    return {
      minVersion,
      ciphers: CIPHERS,
      honorCipherOrder: true,
      // A resumed session is not verified again: it would outlive the certificate's expiry, and its authority here.
      secureOptions: clients ? OPTIONS | constants.SSL_OP_NO_TICKET : OPTIONS,
      ticketKeys: this.ticketKeys,
      ...(clients ? { ca: clients.ca } : {}),
    }
  }

  private onSecure(secured: tls.TLSSocket): void {
    const shown = secured.getPeerX509Certificate()
    if (shown && !secured.authorized) return this.onFailure(secured, refusal(secured))
    const socket = carrierOf(secured)
    const asked = secured.servername || (socket && this.waiting.get(socket)?.serverName)
    secured.allowHalfOpen = true
    // Node only tells of errors of the TLS layer and leaves the connection open, of no use to anyone.
    secured.on('error', () => secured.destroy())
    this.finish(socket, {
      socket: secured,
      protocol: secured.alpnProtocol === 'h2' || secured.alpnProtocol === 'http/1.1' ? secured.alpnProtocol : '',
      serverName: (asked || '').toLowerCase(),
      certificate: shown ? clientCertificate(shown) : null,
    })
  }

  private onFailure(secured: tls.TLSSocket, text: string): void {
    secured.destroy()
    this.finish(carrierOf(secured), new Error(text))
  }

  private finish(socket: net.Socket | null, result: Secured | Error): void {
    const waiting = socket && this.waiting.get(socket)
    if (!waiting) return
    this.waiting.delete(socket)
    waiting.done(result)
  }
}

/** A session that TLS 1.2 resumes comes without the server's name: Node does not keep it, and does not look again. */
const forgetsNames = ({ minVersion, clients }: ServerTlsSettings): boolean => minVersion === 'TLSv1.2' && !clients

/**
 * Closes with a TCP reset. `resetAndDestroy` of a TLS socket throws, and without close_notify is not enough: many clients,
 * Node's among them, take a bare FIN for a regular end. Buffered bytes are lost with it.
 */
export function resetSecured(secured: tls.TLSSocket): void {
  const socket = carrierOf(secured)
  // Only TCP knows resets.
  if (socket && !socket.destroyed && socket.remoteAddress !== undefined) socket.resetAndDestroy()
  secured.destroy()
}

/** The socket beneath. `_parent` is internal; should it ever be missing, no handshake completes and the tests say so. */
const carrierOf = (secured: tls.TLSSocket): net.Socket | null =>
  (secured as unknown as { _parent?: net.Socket })._parent ?? null

const LEFT = 'the client left during the TLS handshake'

/** Short, for a log line. */
function failureText(error: Error, socket: tls.TLSSocket): string {
  if (socket.authorizationError) return refusal(socket)
  const told = (error as { reason?: unknown }).reason !== undefined || failureKindOf(error) !== 'reset'
  return told ? `the TLS handshake failed: ${reasonOf(error)}` : LEFT
}

const refusal = (socket: tls.TLSSocket): string => `the client's certificate was refused: ${socket.authorizationError}`
