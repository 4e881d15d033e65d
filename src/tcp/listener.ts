/** A TCP listener: every connection that gets in becomes a session with the pool that its server name leads to. */
import type { Arrival } from '../wire/arrival.ts'
import type { AcceptOptions } from '../wire/listener.ts'
import { Listener } from '../wire/listener.ts'
import type { TcpPool } from './tcp-pool.ts'
import { TcpSession } from './tcp-session.ts'

export type TcpListenerOptions = AcceptOptions &
  Readonly<{
    /** By the name that the client asked for (SNI); '' when it named none, or nobody looked. */
    route(serverName: string): TcpPool
  }>

export class TcpListener extends Listener {
  private readonly route: TcpListenerOptions['route']

  constructor(options: TcpListenerOptions) {
    super(options)
    this.route = (serverName) => options.route(serverName)
  }

  protected override serve(arrival: Arrival, onEnd: () => void): TcpSession {
    return new TcpSession(arrival, this.route(arrival.serverName), { listener: this.name, onEnd })
  }
}
