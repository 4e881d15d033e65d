// An upstream on bare TCP (or TLS, or a unix socket) that records what each connection brings and behaves as told.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { certificate, key } from './self-signed.ts'
import { Signal, turns } from './signal.ts'

export type Behaviour = (connection: OriginConnection) => void

/** How the peer ended it: FIN is `end`, RST is `reset`. */
export type OriginEnding = 'open' | 'end' | 'reset'

export class OriginConnection {
  readonly socket: Socket
  readonly chunks: Buffer[] = []
  ending: OriginEnding = 'open'
  closed = false

  constructor(socket: Socket, signal: Signal) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.chunks.push(bytes)
      signal.notify()
    })
    socket.on('end', () => {
      if (this.ending === 'open') this.ending = 'end'
      signal.notify()
    })
    socket.on('error', () => {
      this.ending = 'reset'
      signal.notify()
    })
    socket.on('close', () => {
      this.closed = true
      signal.notify()
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  say(text: string): void {
    this.socket.write(text, 'latin1')
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }
}

export type OriginOptions = Readonly<{ path?: string; secure?: boolean; port?: number }>

export class TcpOrigin {
  readonly signal = new Signal()
  /** Every one there ever was, in the order of arrival. */
  readonly connections: OriginConnection[] = []
  /** At the moment a connection is accepted. */
  behave: Behaviour
  private readonly server: Server
  /** Those in the middle of a handshake too. */
  private readonly sockets = new Set<Socket>()
  readonly path: string
  port = 0

  private constructor(behave: Behaviour, { path = '', secure = false }: OriginOptions) {
    const accept = (socket: Socket): void => {
      socket.setNoDelay(true)
      const connection = new OriginConnection(socket, this.signal)
      this.connections.push(connection)
      this.behave(connection)
      this.signal.notify()
    }
    this.behave = behave
    this.path = path
    this.server = secure
      ? createTlsServer({ cert: certificate, key, allowHalfOpen: true }, accept)
      : createServer({ allowHalfOpen: true }, accept)
    this.server.on('tlsClientError', () => {})
    this.server.on('connection', (socket: Socket) => this.sockets.add(socket))
  }

  static async start(behave: Behaviour = silent, options: OriginOptions = {}): Promise<TcpOrigin> {
    const origin = new TcpOrigin(behave, options)
    await origin.listen(options.port ?? 0)
    return origin
  }

  /** A port on which nobody listens, until `listen`. */
  static async vacant(behave: Behaviour = silent): Promise<TcpOrigin> {
    const origin = await TcpOrigin.start(behave)
    await origin.close()
    return origin
  }

  async listen(port = this.port): Promise<void> {
    const where = this.path === '' ? { host: '127.0.0.1', port } : { path: this.path }
    await new Promise<void>((ready) => this.server.listen(where, ready))
    if (this.path === '') this.port = (this.server.address() as AddressInfo).port
  }

  /** Connections are refused from now on; those that are open stay. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.server.close(() => done()))
    if (this.open.length === 0) await closed
  }

  get open(): OriginConnection[] {
    return this.connections.filter(({ closed }) => !closed)
  }

  get last(): OriginConnection | undefined {
    return this.connections.at(-1)
  }

  until<T>(check: () => T | undefined | false, what: string): Promise<T> {
    return this.signal.until(check, what)
  }

  /** The connection number `index`, once it is there. */
  connection(index = 0): Promise<OriginConnection> {
    return this.until(() => this.connections[index], `connection ${index}`)
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    if (this.server.listening) await new Promise<void>((done) => this.server.close(() => done()))
  }
}

export const silent: Behaviour = () => {}
export const greets =
  (text: string): Behaviour =>
  (connection) =>
    connection.say(text)
export const echoes: Behaviour = ({ socket }) => socket.pipe(socket)
export const closes: Behaviour = ({ socket }) => socket.end()
/** Once the peer has seen that it is connected: sooner, and the reset were the connect's. */
export const resets: Behaviour = (connection) => {
  turns(4).then(() => connection.reset())
}
