// Keeps the sockets of one race, and how it ended.
import { connect, type Socket } from 'node:net'
import type { DialOwner, Where } from '../../../../src/wire/dial.ts'
import { KnownAddresses } from '../../../../src/wire/known-addresses.ts'
import { Signal } from '../../../support/signal.ts'

export function known(...addresses: string[]): KnownAddresses {
  const all = new KnownAddresses()
  all.learn(addresses)
  return all
}

export class Connects implements DialOwner {
  readonly sockets: Socket[] = []
  won: Socket | null = null
  private readonly signal = new Signal()
  private readonly ends: string[] = []

  openSocket(where: Where): Socket {
    const socket = connect(where)
    this.sockets.push(socket)
    return socket
  }

  onDialled(socket: Socket, address: string): void {
    socket.on('error', () => {})
    this.won = socket
    this.finish(address)
  }

  onUndialled(error: NodeJS.ErrnoException | null): void {
    this.finish(error?.code ?? 'called off')
  }

  get ended(): boolean {
    return this.ends.length > 0
  }

  /** The address that won, or the error code of why none did. */
  end(): Promise<string> {
    return this.signal.until(() => this.ends[0], 'the end of the race')
  }

  destroy(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private finish(how: string): void {
    this.ends.push(how)
    this.signal.notify()
  }
}
