/** A TCP listener: every connection that gets in becomes a session with the pool that its server name leads to. */

import type { AcceptorOptions, BoundTo } from '../wire/acceptor.ts'
import { Acceptor } from '../wire/acceptor.ts'
import type { Arrival } from '../wire/arrival.ts'
import type { TurnedAway } from '../wire/entrance.ts'
import type { TcpPool } from './tcp-pool.ts'
import { TcpSession } from './tcp-session.ts'

export type TcpListenerOptions = Omit<AcceptorOptions, 'onArrival'> &
  Readonly<{
    /** By the name that the client asked for (SNI); '' when it named none, or nobody looked. */
    route(serverName: string): TcpPool
  }>

export class TcpListener {
  readonly name: string
  private readonly options: TcpListenerOptions
  private readonly acceptor: Acceptor
  private readonly sessions = new Set<TcpSession>()
  private draining = false
  private whenEmpty: (() => void) | null = null

  constructor(options: TcpListenerOptions) {
    this.options = options
    this.name = options.name
    this.acceptor = new Acceptor({ ...options, onArrival: (arrival) => this.begin(arrival) })
  }

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

  /** Accepts no more; resolves when every session has come to its end, or was closed as a tunnel of its upstream. */
  async drain(): Promise<void> {
    this.draining = true
    for (const session of this.sessions) session.mayMove = false
    await this.acceptor.stopAccepting()
    if (this.sessions.size > 0) {
      await new Promise<void>((resolve) => {
        this.whenEmpty = resolve
      })
    }
  }

  kill(): void {
    this.acceptor.kill()
    for (const session of [...this.sessions]) session.kill()
  }

  private begin(arrival: Arrival): void {
    const session = new TcpSession(arrival, this.options.route(arrival.serverName), {
      listener: this.name,
      onEnd: () => {
        this.sessions.delete(session)
        this.acceptor.departed(arrival)
        if (this.sessions.size === 0) this.whenEmpty?.()
      },
    })
    session.mayMove = !this.draining
    this.sessions.add(session)
  }
}
