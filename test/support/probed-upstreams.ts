/** Upstreams on real sockets, for tests of probes: what they heard, and whether every probe has closed its connection. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { ProbeResult } from '../../src/core/health.ts'
import { upstreamId } from '../../src/core/upstream.ts'
import { httpProbe } from '../../src/probe/http-probe.ts'
import type { Probe, ProbeTarget } from '../../src/probe/probe.ts'
import { FakeClock } from './fake-clock.ts'
import { at, atPath } from './place.ts'
import { certificate, key } from './self-signed.ts'
import { Signal } from './signal.ts'

export type Behave = (socket: Socket) => void

export class ProbedUpstreams {
  readonly clock = new FakeClock()
  readonly signal = new Signal()
  readonly open = new Set<Socket>()
  /** What was read, over all connections. */
  heard = ''
  private readonly servers: Server[] = []

  async listen(behave: Behave, { secure = false, path = '' } = {}): Promise<ProbeTarget> {
    const accept = (socket: Socket): void => this.accept(socket, behave)
    const server = secure ? createTlsServer({ cert: certificate, key }, accept) : createServer(accept)
    server.on('tlsClientError', () => {})
    this.servers.push(server)
    const where = path === '' ? { host: '127.0.0.1', port: 0 } : { path }
    await new Promise<void>((ready) => server.listen(where, ready))
    const id = upstreamId('blue')
    if (path !== '') return { id, ...atPath(path), tls: null }
    return { id, ...at((server.address() as AddressInfo).port), tls: null }
  }

  /** A port on which nobody listens. */
  async vacant(): Promise<ProbeTarget> {
    const target = await this.listen(() => {})
    await new Promise((closed) => this.servers.pop()?.close(closed))
    return target
  }

  ask(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
    return new Promise((resolve) => probe(target, { timeout: 250, clock: this.clock }, resolve))
  }

  /** Also proves that no probe left a socket or a timer behind. */
  async close(): Promise<void> {
    await this.signal.until(() => this.open.size === 0, 'all sockets to be closed')
    await Promise.all(this.servers.map((server) => new Promise((closed) => server.close(closed))))
    this.clock.assertIdle()
  }

  private accept(socket: Socket, behave: Behave): void {
    this.open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.open.delete(socket)
      this.signal.notify()
    })
    socket.on('data', (bytes) => {
      this.heard += bytes
      this.signal.notify()
    })
    behave(socket)
    this.signal.notify()
  }
}

/** Answers the first bytes it gets. */
export const answers =
  (text: string): Behave =>
  (socket) =>
    socket.once('data', () => socket.write(text))

export const reply = (status: string, ...fields: string[]) =>
  `HTTP/1.1 ${status}\r\n${fields.map((field) => `${field}\r\n`).join('')}Content-Length: 4\r\n\r\nfine`

export const http = (options: Partial<Parameters<typeof httpProbe>[0]> = {}) =>
  httpProbe({ path: '/health', expect: [{ from: 200, to: 399 }], body: null, version: '1.0', ...options })
