/** Somebody's Fastify application as the server that requests come by: what it knows of clients, and how that ends. */
import type { Network } from '../config/schema.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { NodeRequest } from '../http/node-request.ts'
import { isHttp2 } from '../http/node-request.ts'
import type { RouteServer } from '../http/pool-route.ts'
import { plainAddress } from '../wire/endpoint.ts'
import { DEFAULT_CLIENT_LIMITS } from '../wire/limits.ts'
import type { ServedConnection } from '../wire/listener.ts'
import { trustOf } from './trust.ts'

export class Application implements RouteServer {
  readonly limits = DEFAULT_CLIENT_LIMITS
  endsBy: Millis | null = null
  private readonly clock: Clock
  private readonly trusts: (address: string) => boolean
  /** They have left the application's server, which does not wait for them. */
  private readonly upgraded = new Set<ServedConnection>()
  private cancel: Cancel = () => {}

  constructor(clock: Clock, trustedProxies: readonly Network[]) {
    this.clock = clock
    this.trusts = trustOf(trustedProxies)
  }

  clientOf: RouteServer['clientOf'] = (request: NodeRequest) => {
    const { socket } = request
    // As listeners call it: a unix socket has no address.
    const address = plainAddress(socket.remoteAddress ?? 'unix')
    return {
      listener: 'application',
      address,
      secure: 'encrypted' in socket,
      version: isHttp2(request) ? '2.0' : '1.1',
      identity: '',
      trusted: this.trusts(address),
    }
  }

  /** Node has told it to continue before any route was found. */
  asksFirst: RouteServer['asksFirst'] = () => false

  onUpgrade: RouteServer['onUpgrade'] = (_request, connection) => {
    this.upgraded.add(connection)
    return () => this.upgraded.delete(connection)
  }

  /** What is under way may take that long, ms. */
  end(patience: number): void {
    this.endsBy = ms(this.clock.now() + patience)
    for (const connection of this.upgraded) connection.closeWhenDone()
    this.cancel = this.clock.after(patience, () => this.kill())
  }

  kill(): void {
    this.cancel()
    for (const connection of [...this.upgraded]) connection.kill()
  }
}
