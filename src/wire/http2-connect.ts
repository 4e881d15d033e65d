/** A socket to an upstream, and HTTP/2 on it: over TLS by ALPN, without it with prior knowledge (RFC 9113 §3.2–3.3). */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import type { HeaderList } from './http2-fields.ts'
import type { HeadLimits } from './limits.ts'
import type { ConnectTo } from './transport.ts'
import { tlsOptions } from './transport.ts'

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

export const NO_HTTP2 = 'the upstream does not offer HTTP/2 (ALPN h2): use an https:// address for HTTP/1.1'

export function openSocket({ host, port, socketPath, tls: security }: ConnectTo): net.Socket {
  const where = socketPath === null ? { host, port, noDelay: true } : { path: socketPath }
  return security ? tls.connect({ ...where, ...tlsOptions(security), ALPNProtocols: ['h2'] }) : net.connect(where)
}

/** A connected socket is one for HTTP/2. */
export function offersHttp2(socket: net.Socket): boolean {
  return !(socket instanceof tls.TLSSocket) || socket.alpnProtocol === 'h2'
}

/** A server that knows nothing of `h2` may end the handshake (RFC 7301 §3.2) instead of going on without. */
export function explained(error: Error): string {
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

/** What it holds lives on until what it watches is gone. */
const keeper = new FinalizationRegistry<unknown>(() => {})

/**
 * A stream that was broken off may still have memory of its session (the fields of a malformed head); collected after the
 * session, it aborts the process (`current_nghttp2_memory_` in node_http2.cc). So it keeps the session's handle alive,
 * which is internal to Node: should it ever be missing, nothing is kept.
 */
export function streamsOf(session: ClientHttp2Session): OpenStream {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'kHandle')
  const handle = symbol && (session as unknown as Record<symbol, unknown>)[symbol]
  return (list, how) => {
    const stream = session.request(list, how)
    stream.once('close', () => {
      if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) keeper.register(stream, handle)
    })
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
