/** An HTTP listener: accepts connections, within limits, and closes them gracefully. */
import net from 'node:net'
import { ClientConnection } from '../wire/client-connection.ts'
import type { ClientLimits } from '../wire/limits.ts'
import type { HttpPool } from './http-pool.ts'
import { WireExchange } from './wire-exchange.ts'

export type ListenOn = Readonly<{ kind: 'tcp'; host: string; port: number }> | Readonly<{ kind: 'unix'; path: string }>

export type HttpListenerOptions = Readonly<{
  name: string
  listen: ListenOn
  limits: ClientLimits
  connections: number
  pool: HttpPool
  /** Whether X-Forwarded-* from this address are believed. */
  trusts(address: string): boolean
  /** A connection could not be accepted (no file descriptors left, for one). The listener goes on. */
  onError(error: Error): void
}>

export class HttpListener {
  readonly name: string
  /** Connections turned away because as many as allowed were open. */
  turnedAway = 0
  private readonly options: HttpListenerOptions
  private readonly server: net.Server
  private readonly connections = new Set<ClientConnection>()
  private whenEmpty: (() => void) | null = null

  constructor(options: HttpListenerOptions) {
    this.options = options
    this.name = options.name
    this.server = net.createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      this.accept(socket),
    )
  }

  get open(): number {
    return this.connections.size
  }

  /** Rejects with the system's error when the address cannot be had. */
  listen(): Promise<Readonly<{ address: string; port: number | null }>> {
    const { listen } = this.options
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      const ready = (): void => {
        this.server.off('error', reject)
        this.server.on('error', this.options.onError)
        const bound = this.server.address()
        if (typeof bound === 'object' && bound !== null) resolve({ address: bound.address, port: bound.port })
        else resolve({ address: String(bound), port: null })
      }
      if (listen.kind === 'unix') this.server.listen(listen.path, ready)
      else this.server.listen({ host: listen.host, port: listen.port, backlog: 4_096 }, ready)
    })
  }

  /** Accepts no more; resolves when every connection has finished what it was doing. */
  drain(): Promise<void> {
    this.server.close()
    for (const connection of [...this.connections]) connection.closeWhenDone()
    return new Promise((resolve) => {
      if (this.connections.size === 0) resolve()
      else this.whenEmpty = resolve
    })
  }

  kill(): void {
    this.server.close()
    for (const connection of [...this.connections]) connection.transport.destroy()
  }

  private accept(socket: net.Socket): void {
    if (this.connections.size >= this.options.connections) {
      this.turnedAway++
      socket.destroy()
      return
    }
    const { pool, limits, name, trusts } = this.options
    // A listener on :: sees IPv4 clients as ::ffff:192.0.2.1, which nobody writes in a list of trusted proxies.
    const address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=[0-9.]+$)/, '')
    const client = { listener: name, address, secure: false, trusted: trusts(address) }
    const connection = new ClientConnection(socket, {
      handler: (own) => new WireExchange(own, client, pool),
      limits,
      sweeper: pool.sweeper,
      onEnd: (ended) => {
        this.connections.delete(ended)
        if (this.connections.size === 0) this.whenEmpty?.()
      },
    })
    this.connections.add(connection)
  }
}
