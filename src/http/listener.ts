/** An HTTP listener: gives every client that arrives to what speaks its protocol, and ends them gracefully. */
import type { AcceptorOptions, BoundTo } from '../wire/acceptor.ts'
import { Acceptor } from '../wire/acceptor.ts'
import type { Arrival, ClientCertificate } from '../wire/arrival.ts'
import { ClientConnection } from '../wire/client-connection.ts'
import type { TurnedAway } from '../wire/entrance.ts'
import type { ClientLimits } from '../wire/limits.ts'
import type { ClientInfo } from './exchange.ts'
import type { HttpPool } from './http-pool.ts'
import { Http2Connection } from './http2-connection.ts'
import { WireExchange } from './wire-exchange.ts'

export type HttpListenerOptions = Readonly<{
  /** How connections get in. */
  accept: Omit<AcceptorOptions, 'onArrival'>
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

/** One client connection, however it speaks. */
export interface ServedConnection {
  /** Ends after what is under way; at once when nothing is. */
  closeWhenDone(): void
  kill(): void
}

export interface Front {
  serve(arrival: Arrival, client: ClientInfo, onEnd: () => void): ServedConnection
}

export class HttpListener {
  readonly name: string
  private readonly options: HttpListenerOptions
  private readonly acceptor: Acceptor
  private readonly connections = new Set<ServedConnection>()
  private draining = false
  private whenEmpty: (() => void) | null = null

  constructor(options: HttpListenerOptions) {
    this.options = options
    this.name = options.accept.name
    this.acceptor = new Acceptor({ ...options.accept, onArrival: (arrival) => this.serve(arrival) })
  }

  get open(): number {
    return this.acceptor.open
  }

  get turnedAway(): Readonly<Record<TurnedAway, number>> {
    return this.acceptor.turnedAway
  }

  /** Rejects with the system's error when the address cannot be had. */
  listen(): Promise<BoundTo> {
    return this.acceptor.listen()
  }

  /** Accepts no more; resolves when every connection has finished what it was doing. */
  async drain(): Promise<void> {
    this.draining = true
    for (const connection of [...this.connections]) connection.closeWhenDone()
    await this.acceptor.stopAccepting()
    if (this.connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.whenEmpty = resolve
    })
  }

  kill(): void {
    this.acceptor.kill()
    for (const connection of [...this.connections]) connection.kill()
  }

  private serve(arrival: Arrival): void {
    const { limits, streams, pool, front } = this.options
    const { sweeper } = pool
    const http2 = arrival.protocol === 'h2'
    const client = this.clientOf(arrival, http2)
    let connection: ServedConnection | null = null
    let ended = false
    const onEnd = (): void => {
      ended = true
      this.acceptor.departed(arrival)
      if (connection) this.connections.delete(connection)
      if (this.connections.size === 0) this.whenEmpty?.()
    }
    connection = http2
      ? new Http2Connection(arrival, { client, pool, limits: { ...limits, streams }, onEnd })
      : front
        ? front.serve(arrival, client, onEnd)
        : new ClientConnection(arrival.socket, {
            handler: (own) => new WireExchange(own, client, pool),
            limits,
            sweeper,
            onEnd,
          })
    if (ended) return
    this.connections.add(connection)
    // It was still on its way in when the others were told.
    if (this.draining) connection.closeWhenDone()
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
