// Somebody's Fastify application with a pair of scripted upstreams behind it; a test adds hooks and routes before it listens.
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { type UnderstudyOptions, understudy } from 'understudy-proxy'
import { RawClient } from '../../../support/raw-client.ts'
import { RecordingUpstream, type Script } from '../../../support/recording-upstream.ts'
import type { StrictRequest, StrictResponse } from '../../../support/strict-http.ts'
import { besideProbes, isProbe, named, PROBE, whole } from '../../http/support/answers.ts'

export type ShopOptions = {
  readonly app?: object
  readonly pool?: object
  readonly plugin?: Partial<UnderstudyOptions>
}

/** A server that keeps what it got, probes left out. */
export class Origin {
  readonly upstream: RecordingUpstream
  serve: Script

  constructor(name: string, upstream: RecordingUpstream) {
    this.upstream = upstream
    this.serve = named(name)
    upstream.script = besideProbes(
      (request, connection) => this.serve(request, connection),
      () => whole(200, 'well'),
    )
  }

  get arrived(): StrictRequest[] {
    return this.upstream.arrived.filter((request) => !isProbe(request))
  }

  untilArrived(count: number): Promise<StrictRequest[]> {
    return this.upstream.until(() => this.arrived.length >= count && this.arrived, `${count} requests`)
  }
}

export class ShopApp {
  readonly blue: Origin
  readonly green: Origin
  readonly app: FastifyInstance
  readonly #dir: string
  readonly #options: ShopOptions
  readonly #clients = new Set<RawClient>()

  static async build(options: ShopOptions = {}): Promise<ShopApp> {
    const [blue, green] = [await RecordingUpstream.start(), await RecordingUpstream.start()]
    return new ShopApp(options, [blue, green], await mkdtemp(join(tmpdir(), 'understudy-app-')))
  }

  private constructor(options: ShopOptions, [blue, green]: [RecordingUpstream, RecordingUpstream], dir: string) {
    this.blue = new Origin('blue', blue)
    this.green = new Origin('green', green)
    this.#options = options
    this.#dir = dir
    this.app = Fastify(options.app as FastifyServerOptions)
  }

  get settings(): UnderstudyOptions {
    const { pool, plugin } = this.#options
    const url = ({ upstream }: Origin) => `http://127.0.0.1:${upstream.port}`
    const upstreams = [
      { name: 'blue', url: url(this.blue) },
      { name: 'green', url: url(this.green) },
    ]
    return { pools: { shop: { upstreams, probe: { path: PROBE }, ...pool } }, state: { dir: this.#dir }, ...plugin }
  }

  async listen(): Promise<void> {
    await this.app.register(understudy, this.settings)
    await this.app.listen({ port: 0, host: '127.0.0.1' })
  }

  get port(): number {
    return (this.app.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.port)
    this.#clients.add(client)
    return client
  }

  /** One request of exactly these bytes. */
  async send(bytes: string, method = 'GET'): Promise<StrictResponse> {
    const client = await this.connect()
    await client.send(bytes)
    return client.response(method)
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.app.close()
    await Promise.all([this.blue.upstream.stop(), this.green.upstream.stop()])
    await rm(this.#dir, { recursive: true, force: true })
  }
}

export const head = (line: string, ...fields: string[]): string =>
  `${[line, 'Host: shop.test', ...fields].join('\r\n')}\r\n\r\n`

export const upgrade = (target: string, ...fields: string[]): string =>
  head(
    `GET ${target} HTTP/1.1`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  )

export const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
