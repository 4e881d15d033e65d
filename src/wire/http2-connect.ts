/** A socket to an upstream, and HTTP/2 on it: over TLS by ALPN, without it with prior knowledge (RFC 9113 §3.2–3.3). */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import type { FailureKind } from '../core/failure.ts'
import type { Clock } from '../core/time.ts'
import type { ConnectTls, ConnectTo } from './connect-to.ts'
import { tlsOptions } from './connect-to.ts'
import type { DialOwner, Where } from './dial.ts'
import { Dial } from './dial.ts'
import type { HeaderList } from './http2-fields.ts'
import { keepForStreams } from './http2-memory.ts'
import type { HeadLimits } from './limits.ts'
import { failureKindOf } from './socket-failure.ts'

/**
 * As many as servers should allow (RFC 9113 §6.5.2). More are not put on one connection even where they may be: behind
 * many an address each connection is one worker's.
 */
export const MOST_STREAMS = 100
/** What one slow client may make us keep of its response: streams are read no further than this. */
const STREAM_WINDOW = 262_144
/** Of the whole connection. What a stream's window keeps back does not count: it stands only for what is under way. */
const CONNECTION_WINDOW = 4_194_304
const MOST_SENT_HEAD = 1_048_576

const NO_HTTP2 = 'the upstream does not offer HTTP/2 (ALPN h2): use an https:// address for HTTP/1.1'

interface SocketOwner {
  onReady(socket: net.Socket): void
  /** May come more than once. */
  onBroken(kind: FailureKind, detail: string): void
  /** Once, and the last call. */
  onClosed(): void
}

/** The socket under a session, from the first attempt to connect on. */
export class Http2Socket implements DialOwner {
  /** That it is connected to; '' until then. */
  address = ''
  private readonly owner: SocketOwner
  private readonly tls: ConnectTls | null
  private readonly dial: Dial
  private socket: net.Socket | null = null

  constructor(to: ConnectTo, owner: SocketOwner, clock: Clock) {
    this.owner = owner
    this.tls = to.tls
    this.dial = new Dial(to, this, clock)
  }

  destroy(): void {
    this.dial.cancel()
    this.socket?.destroy()
  }

  openSocket(where: Where): net.Socket {
    return this.tls ? tls.connect({ ...where, ...tlsOptions(this.tls), ALPNProtocols: ['h2'] }) : net.connect(where)
  }

  onDialled(socket: net.Socket, address: string): void {
    this.socket = socket
    this.address = address
    socket.on('error', (error) => this.broken(error))
    socket.once('close', () => this.closed(null))
    if (this.tls) socket.once('secureConnect', () => this.ready(socket))
    else this.ready(socket)
  }

  onUndialled(error: NodeJS.ErrnoException | null): void {
    this.closed(error)
  }

  private closed(error: Error | null): void {
    this.broken(error)
    this.owner.onClosed()
  }

  private ready(socket: net.Socket): void {
    if (socket instanceof tls.TLSSocket && socket.alpnProtocol !== 'h2') this.owner.onBroken('tls', NO_HTTP2)
    else this.owner.onReady(socket)
  }

  private broken(error: Error | null): void {
    this.owner.onBroken(failureKindOf(error), error ? explained(error) : 'the connection was closed')
  }
}

/** A server that knows nothing of `h2` may end the handshake (RFC 7301 §3.2) instead of going on without. */
function explained(error: Error): string {
  return /no application protocol/i.test(error.message) ? NO_HTTP2 : error.message
}

/** For requests with an empty Host. */
export function authorityOf({ host, port, socketPath }: ConnectTo): string {
  if (socketPath !== null) return 'localhost'
  return net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

export type OpenStream = (
  list: HeaderList,
  how: Readonly<{ endStream: boolean; waitForTrailers: boolean }>,
) => ClientHttp2Stream

export function streamsOf(session: ClientHttp2Session): OpenStream {
  const keepFor = keepForStreams(session)
  return (list, how) => {
    const stream = session.request(list, how)
    keepFor(stream)
    return stream
  }
}

export function startSession(socket: net.Socket, scheme: 'http' | 'https', limits: HeadLimits): ClientHttp2Session {
  const options = {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: limits.headBytes },
    // `:status` included. A head with more is reset before anybody here reads it.
    maxHeaderListPairs: limits.fields,
    maxSendHeaderBlockLength: MOST_SENT_HEAD,
    peerMaxConcurrentStreams: MOST_STREAMS,
    maxReservedRemoteStreams: 0,
    // Judged here instead of repaired there; and a field that comes twice is no reason to throw.
    strictFieldWhitespaceValidation: false,
    strictSingleValueFields: false,
  }
  const session = http2.connect(`${scheme}://localhost`, options)
  session.setLocalWindowSize(CONNECTION_WINDOW)
  return session
}
