// An origin that answers every request with what arrived of it: its fields, and whose certificate the connection showed.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { TLSSocket, TlsOptions } from 'node:tls'

export type Told = {
  readonly origin: string
  readonly version: string
  readonly url: string
  /** Common name of the client’s certificate, '' without one. */
  readonly peer: string
  readonly fields: readonly (readonly [string, string])[]
}

export type TellingOptions = {
  readonly name: string
  /** Plain HTTP without it. */
  readonly tls?: TlsOptions
  readonly http2?: boolean
}

export class TellingOrigin {
  readonly name: string
  readonly port: number
  /** Requests that were not probes. */
  requests = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async start({ name, tls, http2 = false }: TellingOptions): Promise<TellingOrigin> {
    let origin: TellingOrigin | null = null
    const tell = (request: IncomingMessage, response: ServerResponse): void => origin?.tell(request, response)
    const server: Server = !tls
      ? createServer(tell)
      : http2
        ? createSecureServer(tls, (request, response) => tell(request as never, response as never))
        : createHttpsServer(tls, tell)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = new TellingOrigin(name, server)
    return origin
  }

  private constructor(name: string, server: Server) {
    this.name = name
    this.port = (server.address() as AddressInfo).port
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  tell({ url = '', headers, rawHeaders, httpVersion, socket }: IncomingMessage, response: ServerResponse): void {
    if (!headers['user-agent']?.startsWith('understudy')) this.requests += 1
    const names = rawHeaders.filter((_, index) => index % 2 === 0)
    const fields = names.map((name, index): [string, string] => [name, rawHeaders[index * 2 + 1] ?? ''])
    const certificate = 'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate() : null
    const peer = String(certificate?.subject?.CN ?? '')
    const told: Told = { origin: this.name, version: httpVersion, url, peer, fields }
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(told))
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Of a field, in any spelling. */
export const valuesOf = ({ fields }: Told, name: string): string[] =>
  fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
