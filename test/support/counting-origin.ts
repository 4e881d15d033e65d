// An upstream on bare TCP that counts the connections it has open, and answers a request when it is told to, or at once.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Signal, turns } from './signal.ts'

export type CountedRequest = {
  readonly method: string
  readonly target: string
  readonly answer: () => void
  answered: boolean
}

export type CountingOptions = Readonly<{
  /** Without it a test does it, request by request. */
  answersAtOnce?: boolean
  /** It ends each connection with its answer. */
  closes?: boolean
}>

export class CountingOrigin {
  readonly signal = new Signal()
  /** In the order of their arrival, answered or not. */
  readonly requests: CountedRequest[] = []
  readonly sockets = new Set<Socket>()
  accepted = 0
  /** The most that were open at a time, and not found to have ended earlier once all that had come was read. */
  peak = 0
  answersAtOnce: boolean
  readonly #closes: boolean
  readonly #server: Server

  private constructor({ answersAtOnce = false, closes = false }: CountingOptions) {
    this.answersAtOnce = answersAtOnce
    this.#closes = closes
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  static async start(options: CountingOptions = {}): Promise<CountingOrigin> {
    const origin = new CountingOrigin(options)
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve))
    return origin
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get targets(): string[] {
    return this.requests.map(({ target }) => target)
  }

  /** The request number `index`, once it is there. */
  request(index: number): Promise<CountedRequest> {
    return this.signal.until(() => this.requests[index], `request ${index} (got ${this.targets.join(' ')})`)
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    this.accepted++
    this.sockets.add(socket)
    const open = [...this.sockets]
    turns(4).then(() => {
      this.peak = Math.max(this.peak, open.filter((each) => this.sockets.has(each)).length)
    })
    const gone = (): void => {
      this.sockets.delete(socket)
      this.signal.notify()
    }
    socket.on('error', () => {})
    socket.once('end', gone)
    socket.once('close', gone)
    // Requests are short and come whole.
    socket.on('data', (bytes) => {
      const heads = bytes.toString('latin1').matchAll(/^([A-Z]+) (\S+) HTTP\/1\.1\r\n((?:.+\r\n)*)/gm)
      for (const [, method = '', target = '', fields = ''] of heads) this.#take(socket, { method, target, fields })
    })
    this.signal.notify()
  }

  #take(socket: Socket, { method, target, fields }: { method: string; target: string; fields: string }): void {
    const text = /^upgrade:/im.test(fields)
      ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
      : `HTTP/1.1 200 OK\r\n${this.#closes ? 'Connection: close\r\n' : ''}Content-Length: ${target.length}\r\n\r\n${target}`
    const answer = (): void => {
      request.answered = true
      if (this.#closes) socket.end(text)
      else socket.write(text)
    }
    const request: CountedRequest = { method, target, answer, answered: false }
    this.requests.push(request)
    if (this.answersAtOnce) answer()
    this.signal.notify()
  }
}
