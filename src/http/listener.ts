/** An HTTP listener: gives every client that arrives to what speaks its protocol. */
import type { Arrival, ClientCertificate } from '../wire/arrival.ts'
import { ClientConnection } from '../wire/client-connection.ts'
import type { ClientLimits } from '../wire/limits.ts'
import type { AcceptOptions, ServedConnection } from '../wire/listener.ts'
import { Listener } from '../wire/listener.ts'
import type { ClientInfo } from './exchange.ts'
import type { HttpPool } from './http-pool.ts'
import { Http2Connection } from './http2-connection.ts'
import { WireExchange } from './wire-exchange.ts'

export type HttpListenerOptions = Readonly<{
  /** How connections get in. */
  accept: AcceptOptions
  limits: ClientLimits
  /** HTTP/2 streams of one connection. */
  streams: number
  pool: HttpPool
  /** Takes the HTTP/1.1 connections in place of the express lane: routes of its own before the pool. */
  front: Front | null
  /** Whether X-Forwarded-* from this address are believed. */
  trusts(address: string): boolean
  /** What upstreams are told of a client's certificate, as field lines. */
  identity(certificate: ClientCertificate): string
}>

export interface Front {
  serve(arrival: Arrival, client: ClientInfo, onEnd: () => void): ServedConnection
}

export class HttpListener extends Listener {
  private readonly options: HttpListenerOptions

  constructor(options: HttpListenerOptions) {
    super(options.accept)
    this.options = options
  }

  protected override serve(arrival: Arrival, onEnd: () => void): ServedConnection {
    const { limits, streams, pool, front } = this.options
    const { sweeper } = pool
    const http2 = arrival.protocol === 'h2'
    const client = this.clientOf(arrival, http2)
    if (http2) return new Http2Connection(arrival, { client, pool, limits: { ...limits, streams }, onEnd })
    if (front) return front.serve(arrival, client, onEnd)
    const handler = (own: ClientConnection) => new WireExchange(own, client, pool)
    return new ClientConnection(arrival.socket, { handler, limits, sweeper, onEnd })
  }

  private clientOf({ client, secure, certificate }: Arrival, http2: boolean): ClientInfo {
    const { trusts, identity } = this.options
    return {
      listener: this.name,
      address: client.address,
      secure,
      version: http2 ? '2.0' : '1.1',
      identity: certificate ? identity(certificate) : '',
      trusted: trusts(client.address),
    }
  }
}
