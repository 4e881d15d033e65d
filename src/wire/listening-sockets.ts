/**
 * What one listener listens on: of a port several sockets, among which the kernel deals new connections out. Of each the
 * event loop takes one connection a turn. With a single one every connection had a turn of its own, and with it a wait for
 * events of its own and the whole cost of waking up whom it is for.
 */
import net from 'node:net'
import { acceptAdoptable } from './adopt.ts'
import type { ListenOn } from './arrival.ts'

export type Listening = Readonly<{
  listen: ListenOn
  /** How many listen on a port (SO_REUSEPORT, where it is more than one). */
  sockets: number
  /** Others listen on the same port. */
  reusePort: boolean
}>

export type ListeningOwner = Readonly<{
  /** Paused. */
  onConnection(socket: net.Socket): void
  onError(error: Error): void
}>

export type BoundTo = Readonly<{ address: string; port: number | null }>

export class ListeningSockets {
  private readonly listening: Listening
  private readonly owner: ListeningOwner
  private readonly servers: net.Server[] = []
  private makesAdoptable: boolean

  /** `adoptable`: whether what arrives is to be made for being adopted as it is. */
  constructor(listening: Listening, adoptable: boolean, owner: ListeningOwner) {
    this.listening = listening
    this.makesAdoptable = adoptable
    this.owner = owner
  }

  /** What arrives can be adopted as it is. */
  get adoptable(): boolean {
    return this.makesAdoptable
  }

  /** Rejects with the system's error when the address cannot be had. */
  async listen(): Promise<BoundTo> {
    const { listen, sockets } = this.listening
    try {
      const first = await this.open(listen)
      const { address, port } = first
      if (port === null) return first
      const same = { kind: 'tcp', host: address, port } as const
      await Promise.all(Array.from({ length: sockets - 1 }, () => this.open(same)))
      return first
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    for (const server of this.servers.splice(0)) server.close()
  }

  private open(listen: ListenOn): Promise<BoundTo> {
    const { owner } = this
    const server = net.createServer({ noDelay: true, pauseOnConnect: true, allowHalfOpen: true }, owner.onConnection)
    this.servers.push(server)
    return new Promise((resolve, reject) => {
      const ready = (): void => {
        server.off('error', reject)
        server.on('error', owner.onError)
        this.makesAdoptable &&= acceptAdoptable(server, owner.onConnection)
        const bound = server.address()
        if (typeof bound === 'object' && bound !== null) resolve({ address: bound.address, port: bound.port })
        else resolve({ address: String(bound), port: null })
      }
      server.once('error', reject)
      server.once('listening', ready)
      if (listen.kind === 'unix') server.listen(listen.path)
      else server.listen({ host: listen.host, port: listen.port, backlog: 4_096, reusePort: this.sharesPort })
    })
  }

  private get sharesPort(): boolean {
    return this.listening.reusePort || this.listening.sockets > 1
  }
}
