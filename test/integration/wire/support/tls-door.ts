// A bare server in front of ServerTls, and clients that tell how they fared.

import net from 'node:net'
import tls from 'node:tls'
import { type Secured, ServerTls, type ServerTlsSettings } from '../../../../src/wire/server-tls.ts'
import { Signal } from '../../../support/signal.ts'

export class TlsDoor {
  readonly tls: ServerTls
  /** What became of every connection, in the order in which it was decided. */
  readonly results: (Secured | Error)[] = []
  /** The accepted sockets, before their handshake. */
  readonly accepted: net.Socket[] = []
  readonly signal = new Signal()
  onSecured: (secured: Secured) => void = () => {}
  readonly #server: net.Server
  readonly #clients: net.Socket[] = []

  private constructor(settings: ServerTlsSettings, begin: (socket: net.Socket, handshake: () => void) => void) {
    this.tls = new ServerTls(settings)
    this.#server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      this.accepted.push(socket)
      begin(socket, () => this.tls.handshake(socket, (result) => this.#decided(result)))
      this.signal.notify()
    })
  }

  /** `begin`: what happens to an accepted socket before its handshake. */
  static async open(
    settings: ServerTlsSettings,
    begin = (_: net.Socket, handshake: () => void) => handshake(),
    path?: string,
  ): Promise<TlsDoor> {
    const door = new TlsDoor(settings, begin)
    await new Promise<void>((resolve) => door.#server.listen(path ?? { port: 0, host: '127.0.0.1' }, resolve))
    return door
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  /** The address of a unix socket. */
  get path(): string {
    return this.#server.address() as string
  }

  #decided(result: Secured | Error): void {
    this.results.push(result)
    if (!(result instanceof Error)) this.onSecured(result)
    this.signal.notify()
  }

  connect(options: tls.ConnectionOptions & { allowHalfOpen?: boolean } = {}): TlsClient {
    return new TlsClient(this.#keep(tls.connect({ port: this.port, host: '127.0.0.1', ...options })))
  }

  /** Without TLS. */
  connectPlain(): net.Socket {
    return this.#keep(net.connect({ port: this.port, host: '127.0.0.1' }).on('error', () => {}))
  }

  #keep<T extends net.Socket>(socket: T): T {
    this.#clients.push(socket)
    return socket
  }

  /** The result with this number, counted from 0. */
  async result(index = 0): Promise<Secured | Error> {
    return this.signal.until(() => this.results[index], `result ${index}`)
  }

  async secured(index = 0): Promise<Secured> {
    const result = await this.result(index)
    if (result instanceof Error) throw result
    return result
  }

  async failure(index = 0): Promise<string> {
    const result = await this.result(index)
    if (result instanceof Error) return result.message
    throw new Error('the handshake succeeded')
  }

  async close(): Promise<void> {
    for (const socket of [...this.#clients, ...this.accepted]) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export class TlsClient {
  readonly socket: tls.TLSSocket
  readonly signal = new Signal()
  session: Buffer | null = null
  text = ''
  ended = false
  closed = false
  secure = false
  /** Of the first error, with its code. */
  error = ''

  constructor(socket: tls.TLSSocket) {
    this.socket = socket
    const note = (change: () => void) => () => {
      change()
      this.signal.notify()
    }
    socket.on(
      'secureConnect',
      note(() => (this.secure = true)),
    )
    socket.on(
      'end',
      note(() => (this.ended = true)),
    )
    socket.on(
      'close',
      note(() => (this.closed = true)),
    )
    socket.on('session', (session) => note(() => (this.session = session))())
    socket.on('data', (chunk: Buffer) => note(() => (this.text += chunk.toString('latin1')))())
    socket.on('error', (error: NodeJS.ErrnoException) =>
      note(() => (this.error ||= `${error.code}: ${error.message}`))(),
    )
  }

  async connected(): Promise<this> {
    await this.signal.until(() => this.secure || this.closed, 'the handshake of the client')
    if (!this.secure) throw new Error(`the client failed: ${this.error}`)
    return this
  }

  /** With the error, if there was one. */
  async gone(): Promise<string> {
    await this.signal.until(() => this.closed, 'the end of the connection')
    return this.error
  }

  /** TLS 1.3 sends it after the handshake. */
  async ticket(): Promise<Buffer> {
    return this.signal.until(() => this.session ?? undefined, 'a session ticket')
  }

  /** The names in the certificate that the server showed. */
  get shown(): string | undefined {
    return this.socket.getPeerX509Certificate()?.subjectAltName
  }
}

/** The first message of such a client. */
export async function clientHello(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as net.AddressInfo
  const client = tls.connect({ port, host: '127.0.0.1', ...options }).on('error', () => {})
  const hello = await new Promise<Buffer>((resolve) =>
    server.once('connection', (socket) => socket.on('error', () => {}).once('data', (bytes: Buffer) => resolve(bytes))),
  )
  client.destroy()
  server.close()
  return hello
}

/** Does not mind errors. */
export async function closed(socket: net.Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

/** What a secured socket reads until its end, once it is resumed. */
export async function readToEnd(socket: tls.TLSSocket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve, reject) => socket.once('end', resolve).once('error', reject).resume())
  return Buffer.concat(chunks).toString('latin1')
}
