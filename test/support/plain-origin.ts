/** An ordinary upstream on node:http that counts what it gets, names itself, and repeats what WebSocket clients say. */
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = {
  method: string
  url: string
  headers: http.IncomingHttpHeaders
  trailers: NodeJS.Dict<string>
  body: Buffer
}

export class PlainOrigin {
  readonly name: string
  readonly received: Received[] = []
  /** Requests whose client went away before the answer. */
  abandoned = 0
  upgrades = 0
  private readonly server: http.Server

  private constructor(name: string) {
    this.name = name
    this.server = http.createServer((request, response) => this.answer(request, response))
    this.server.on('upgrade', (request, socket) => {
      this.upgrades++
      if (request.url === '/declined') {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ndeclined')
        return
      }
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.on('data', (bytes: Buffer) => socket.write(`${name} heard ${bytes}`))
      socket.on('error', () => {})
    })
  }

  static async start(name: string): Promise<PlainOrigin> {
    const origin = new PlainOrigin(name)
    await new Promise<void>((resolve) => {
      origin.server.listen(0, '127.0.0.1', resolve)
    })
    return origin
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Requests other than probes. */
  get requests(): readonly Received[] {
    return this.received.filter(({ headers }) => !headers['user-agent']?.startsWith('understudy'))
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = []
    response.on('close', () => {
      if (!response.writableFinished) this.abandoned++
    })
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const { method = '', url = '', headers, trailers } = request
      const body = Buffer.concat(chunks)
      this.received.push({ method, url, headers, trailers, body })
      response.setHeader('x-from', this.name)
      if (url.endsWith('/never')) return
      if (url.endsWith('/cut')) {
        response.writeHead(200, { 'content-length': '100000' })
        response.write('x'.repeat(70_000), () => setImmediate(() => request.socket.resetAndDestroy()))
        return
      }
      if (url.endsWith('/large')) return void response.end(Buffer.alloc(16 * 1_048_576, 'large '))
      const digest = createHash('sha256').update(body).digest('hex')
      response.end(JSON.stringify({ from: this.name, method, url, length: body.length, digest }))
    })
  }
}
