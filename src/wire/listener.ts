/** What every listener does, whatever it serves: takes what arrives, knows what is open, and comes to an end gracefully. */
import type { AcceptorOptions } from './acceptor.ts'
import { Acceptor } from './acceptor.ts'
import type { Arrival } from './arrival.ts'
import type { TurnedAway } from './entrance.ts'
import type { BoundTo } from './listening-sockets.ts'
import { Roster } from './roster.ts'

export type AcceptOptions = Omit<AcceptorOptions, 'onArrival'>

/** One client connection, however it speaks. */
export interface ServedConnection {
  /** The listener's. */
  servedAt: number
  /** Ends after what is under way; at once when nothing is. */
  closeWhenDone(): void
  kill(): void
}

export abstract class Listener {
  readonly name: string
  private readonly acceptor: Acceptor
  private readonly connections = new Roster<'servedAt', ServedConnection>('servedAt')
  private draining = false
  private whenEmpty: (() => void) | null = null

  constructor(accept: AcceptOptions) {
    this.name = accept.name
    this.acceptor = new Acceptor({ ...accept, onArrival: (arrival) => this.take(arrival) })
  }

  /** `onEnd`: to be called once, and be it before this returns. */
  protected abstract serve(arrival: Arrival, onEnd: () => void): ServedConnection

  get open(): number {
    return this.acceptor.open
  }

  get turnedAway(): Readonly<Record<TurnedAway, number>> {
    return this.acceptor.turnedAway
  }

  /** Rejects with the system's error when the address cannot be had. */
  listen(): Promise<BoundTo> {
    return this.acceptor.listen()
  }

  /** Accepts no more; resolves when every connection has finished what it was doing. */
  async drain(): Promise<void> {
    this.draining = true
    this.connections.each((connection) => connection.closeWhenDone())
    await this.acceptor.stopAccepting()
    if (this.connections.size === 0) return
    await new Promise<void>((resolve) => {
      this.whenEmpty = resolve
    })
  }

  kill(): void {
    this.acceptor.kill()
    this.connections.each((connection) => connection.kill())
  }

  private take(arrival: Arrival): void {
    let connection: ServedConnection | null = null
    let ended = false
    connection = this.serve(arrival, () => {
      ended = true
      this.acceptor.departed(arrival)
      if (connection) this.connections.remove(connection)
      if (this.connections.size === 0) this.whenEmpty?.()
    })
    if (ended) return
    this.connections.add(connection)
    // It was still on its way in when the others were told.
    if (this.draining) connection.closeWhenDone()
  }
}
