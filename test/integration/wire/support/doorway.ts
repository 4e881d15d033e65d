// An acceptor on a simulated clock, the guests that it lets in, and visitors who try.

import { once } from 'node:events'
import net from 'node:net'
import { expect } from 'vitest'
import { OwnAllowance } from '../../../../src/core/allowance.ts'
import type { AcceptorOptions } from '../../../../src/wire/acceptor.ts'
import { Acceptor } from '../../../../src/wire/acceptor.ts'
import type { Arrival } from '../../../../src/wire/arrival.ts'
import { ServerTls } from '../../../../src/wire/server-tls.ts'
import { Sweeper, type Swept } from '../../../../src/wire/sweeper.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { certificate, key } from '../../../support/self-signed.ts'
import { cut, Signal, turns } from '../../../support/signal.ts'
import { until } from '../../http/support/until.ts'
import { listenersOn } from './untouched.ts'

/** One end of a connection, read from its first moment on. */
export class End {
  readonly socket: net.Socket
  received = ''
  ending: 'open' | 'end' | 'closed' = 'open'
  private readonly signal: Signal

  constructor(socket: net.Socket, signal: Signal) {
    this.socket = socket
    this.signal = signal
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1')
      signal.notify()
    })
    socket.on('end', () => {
      if (this.ending === 'open') this.ending = 'end'
      signal.notify()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ending = 'closed'
      signal.notify()
    })
    socket.resume()
  }

  /** Each piece on its own, with time for the other side to read it. */
  async send(bytes: string | Buffer, positions: readonly number[] = []): Promise<void> {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    for (const piece of cut(whole, positions)) {
      await new Promise((resolve) => this.socket.write(piece, resolve))
      await turns()
    }
  }

  async receives(text: string): Promise<void> {
    await this.signal.until(() => this.received.length >= text.length, `${JSON.stringify(text)}, not ${this.received}`)
  }

  async ends(): Promise<void> {
    await this.signal.until(() => this.ending !== 'open', 'the end of the connection')
  }
}

/** As it was handed over. */
export type Guest = End &
  Readonly<{ arrival: Arrival; paused: boolean; listeners: Record<string, number>; socket: net.Socket }>

type Wanted = Partial<AcceptorOptions> & Readonly<{ receive?: (arrival: Arrival) => void }>

class CountingSweeper extends Sweeper {
  readonly swept = new Set<Swept>()

  override add(member: Swept): void {
    this.swept.add(member)
    super.add(member)
  }

  override remove(member: Swept): void {
    this.swept.delete(member)
    super.remove(member)
  }
}

export class Doorway {
  readonly clock = new FakeClock()
  readonly sweeper = new CountingSweeper(this.clock)
  readonly signal = new Signal()
  readonly guests: Guest[] = []
  readonly errors: Error[] = []
  readonly acceptor: Acceptor
  private readonly visitors: net.Socket[] = []
  private port = 0

  constructor({ receive, ...wanted }: Wanted = {}) {
    this.acceptor = new Acceptor({
      name: 'web',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      sockets: 1,
      reusePort: false,
      connections: new OwnAllowance(100),
      connectionsPerAddress: 0,
      handshakes: 100,
      handshakeTimeout: 1_000,
      proxyProtocol: 'off',
      trustsProxy: () => true,
      tls: null,
      readServerName: false,
      readPreface: false,
      sweeper: this.sweeper,
      onArrival: receive ?? ((arrival) => this.welcome(arrival)),
      onError: (error) => this.errors.push(error),
      ...wanted,
    })
  }

  async open(): Promise<this> {
    const bound = await this.acceptor.listen()
    this.port = bound.port ?? 0
    return this
  }

  close(): void {
    this.acceptor.kill()
    this.sweeper.stop()
    this.clock.assertIdle()
    expect(this.sweeper.swept.size).toBe(0)
    for (const { socket } of this.guests) socket.destroy()
    for (const socket of this.visitors) socket.destroy()
  }

  /** `from`: any address of 127.0.0.0/8. */
  async visit(from = '127.0.0.1'): Promise<End> {
    return this.enter(net.connect({ host: '127.0.0.1', port: this.port, localAddress: from, allowHalfOpen: true }))
  }

  async visitAt(to: net.NetConnectOpts): Promise<End> {
    return this.enter(net.connect({ ...to, allowHalfOpen: true } as net.NetConnectOpts))
  }

  /** As when the system has no file descriptor left. */
  failToAccept(error: Error): void {
    const { sockets } = this.acceptor as unknown as { sockets: { servers: net.Server[] } }
    sockets.servers[0]?.emit('error', error)
  }

  get address(): Readonly<{ host: string; port: number }> {
    return { host: '127.0.0.1', port: this.port }
  }

  guest(index = 0): Promise<Guest> {
    return this.signal.until(() => this.guests[index], `guest ${index}`)
  }

  /** Until it has turned away as many as this; then for these reasons. */
  async turnsAway(counts: Partial<Acceptor['turnedAway']>): Promise<void> {
    const none = { connections: 0, address: 0, handshakes: 0, proxyHeader: 0, handshake: 0, timeout: 0 }
    const total = (of: object): number => Object.values(of).reduce((sum, count) => sum + count, 0)
    const enough = async () => total(this.acceptor.turnedAway) >= total(counts) || undefined
    await until(enough, { what: `${JSON.stringify(counts)} to be turned away` })
    expect(this.acceptor.turnedAway).toEqual({ ...none, ...counts })
  }

  async has(open: number): Promise<void> {
    await until(async () => this.acceptor.open === open || undefined, { what: `${open} open connections` })
  }

  private async enter(socket: net.Socket): Promise<End> {
    this.visitors.push(socket)
    const end = new End(socket, this.signal)
    await once(socket, 'connect')
    return end
  }

  private welcome(arrival: Arrival): void {
    const { socket } = arrival
    const seen = { arrival, paused: socket.isPaused(), listeners: listenersOn(socket) }
    socket.on('close', () => this.acceptor.departed(arrival))
    const end = new End(socket, this.signal)
    this.guests.push(Object.assign(end, seen))
    this.signal.notify()
  }
}

export const serverTls = new ServerTls({
  certificates: [{ cert: certificate, key }],
  minVersion: 'TLSv1.2',
  clients: null,
  alpn: ['h2', 'http/1.1'],
})
