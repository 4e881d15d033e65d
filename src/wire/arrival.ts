/** What a listener gets for every client connection, whatever it had to pass on its way in: PROXY header, TLS handshake. */
import type net from 'node:net'

export type ListenOn = Readonly<{ kind: 'tcp'; host: string; port: number }> | Readonly<{ kind: 'unix'; path: string }>

/** `v1` and `v2` accept that version only, `either` both; `optional` also connections that begin without a header. */
export type ProxyProtocolMode = 'off' | 'v1' | 'v2' | 'either' | 'optional'

/** One end of a TCP connection. IPv6 without brackets; IPv4 never in its IPv6 form (`::ffff:`). */
export type Endpoint = Readonly<{ address: string; port: number }>

/** Verified against the authorities of the listener. */
export type ClientCertificate = Readonly<{
  /** RFC 4514, one line: `CN=anna,O=Example`. */
  subject: string
  der: Buffer
}>

export type Arrival = Readonly<{
  /** Paused; encrypted sockets after their handshake. What was read already lies in its buffer. */
  socket: net.Socket
  /** The client, by its PROXY header if it brought one. A unix socket has the address `unix` and port 0. */
  client: Endpoint
  /** Where it connected to, by its PROXY header if it brought one. */
  local: Endpoint
  secure: boolean
  /** Agreed on by ALPN (RFC 7301), or shown by the HTTP/2 preface where one is looked for; '' when neither tells. */
  protocol: 'h2' | 'http/1.1' | ''
  /** Asked for by SNI, lower case; '' when not asked for or not looked at. */
  serverName: string
  certificate: ClientCertificate | null
}>
