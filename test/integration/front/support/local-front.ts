// Routes of a listener before a scripted pair, without the listener: `blue` is active. Connections are as it would hand
// them over; the clock is the test's.
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createFront } from '../../../../src/http/front.ts'
import type { LocalRoute } from '../../../../src/http/local-route.ts'
import { DEFAULT_CLIENT_LIMITS } from '../../../../src/wire/limits.ts'
import type { ServedConnection } from '../../../../src/wire/listener.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { RawClient } from '../../../support/raw-client.ts'
import type { RecordingUpstream } from '../../../support/recording-upstream.ts'
import { Signal } from '../../../support/signal.ts'
import { Front } from '../../http/support/http2-front.ts'

const CLIENT = {
  listener: 'web',
  address: '127.0.0.1',
  secure: false,
  version: '1.1',
  identity: '',
  trusted: false,
} as const

export class LocalFront {
  readonly clock: FakeClock
  readonly blue: RecordingUpstream
  readonly served: ServedConnection[] = []
  readonly signal = new Signal()
  ended = 0
  readonly #pair: Front
  readonly #server: Server
  readonly #clients = new Set<RawClient>()

  static async start(routes: readonly LocalRoute[] = []): Promise<LocalFront> {
    const clock = new FakeClock()
    const pair = await Front.start({ clock })
    const front = await createFront({ routes, pool: pair.pool, limits: DEFAULT_CLIENT_LIMITS })
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      const end = { address: '127.0.0.1', port: 0 }
      const arrival = {
        socket,
        client: end,
        local: end,
        secure: false,
        protocol: '',
        serverName: '',
        certificate: null,
      } as const
      const onEnd = (): void => {
        local.ended++
        local.signal.notify()
      }
      local.served.push(front.serve(arrival, CLIENT, onEnd))
      local.signal.notify()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const local = new LocalFront(clock, pair, server)
    return local
  }

  private constructor(clock: FakeClock, pair: Front, server: Server) {
    this.clock = clock
    this.blue = pair.blue
    this.#pair = pair
    this.#server = server
  }

  get inFlight(): number {
    return this.#pair.inFlight
  }

  async connect(): Promise<RawClient> {
    const before = this.served.length
    const client = await RawClient.connect((this.#server.address() as AddressInfo).port)
    this.#clients.add(client)
    await this.signal.until(() => this.served.length > before, 'the connection to be served')
    return client
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    for (const connection of this.served) connection.kill()
    this.#server.close()
    await this.#pair.stop()
  }
}
