// A proxy before a scripted pair: `blue` is the primary, `green` the standby. Probes have a path of their own, which both
// answer well unless a test says otherwise, so that what arrives beside them is the clients' traffic alone.
import type { NoticeView, PoolView } from '../../../../src/admin/views.ts'
import { type ProxyOptions, type Proxy as RunningProxy, startProxy } from '../../../support/proxy.ts'
import { RawClient } from '../../../support/raw-client.ts'
import { type Answer, RecordingUpstream, type Script } from '../../../support/recording-upstream.ts'
import type { StrictRequest, StrictResponse } from '../../../support/strict-http.ts'
import { getJson, getText, postJson } from './admin.ts'
import { besideProbes, isProbe, named, PROBE, whole } from './answers.ts'
import { until } from './until.ts'

export type Request = {
  readonly method?: string
  readonly target?: string
  readonly fields?: readonly string[]
  readonly body?: string
  /** Sent in chunks of this size instead of with a length. */
  readonly chunked?: number
  readonly deadline?: number
}

export function requestText({ method = 'GET', target = '/', fields = [], body = '', chunked }: Request): string {
  const more = fields.map((field) => `${field}\r\n`).join('')
  const head = `${method} ${target} HTTP/1.1\r\nHost: shop.test\r\n${more}`
  if (chunked !== undefined) return `${head}Transfer-Encoding: chunked\r\n\r\n${inChunks(body, chunked)}`
  const length = body === '' && (method === 'GET' || method === 'HEAD') ? '' : `Content-Length: ${body.length}\r\n`
  return `${head}${length}\r\n${body}`
}

export function inChunks(body: string, size: number): string {
  let text = ''
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size)
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`
  }
  return `${text}0\r\n\r\n`
}

const limit = (maxConnections: number | undefined) => (maxConnections === undefined ? {} : { maxConnections })

/** One side of the pair. Both properties may change at any time. */
export class Side {
  readonly name: string
  readonly upstream: RecordingUpstream
  serve: Script
  probe: () => Answer | null = () => whole(200, 'well')

  constructor(name: string, upstream: RecordingUpstream) {
    this.name = name
    this.upstream = upstream
    this.serve = named(name)
    upstream.script = besideProbes(
      (request, connection) => this.serve(request, connection),
      () => this.probe(),
    )
  }

  /** What clients sent, probes left out. */
  get arrived(): StrictRequest[] {
    return this.upstream.arrived.filter((request) => !isProbe(request))
  }

  /** `METHOD target` of each, which is most of what tests want to know. */
  get seen(): string[] {
    return this.arrived.map(({ method, target }) => `${method} ${target}`)
  }

  /** Probes and requests alike. */
  alwaysAnswer(answer: Answer | null): void {
    this.serve = () => answer
    this.probe = () => answer
  }

  recover(): void {
    this.serve = named(this.name)
    this.probe = () => whole(200, 'well')
  }

  untilArrived(count: number, milliseconds = 5_000): Promise<StrictRequest[]> {
    const enough = () => (this.arrived.length >= count ? this.arrived : undefined)
    return this.upstream.until(enough, `${count} requests at ${this.name}`, milliseconds)
  }
}

export type PairOptions = {
  readonly pool?: object
  readonly listener?: object
  readonly probe?: object
  readonly stateDir?: string
  readonly workers?: number
  readonly maxConnections?: { readonly blue?: number; readonly green?: number }
}

export class Pair {
  readonly blue: Side
  readonly green: Side
  readonly proxy: RunningProxy
  readonly #clients = new Set<RawClient>()

  private constructor(blue: Side, green: Side, proxy: RunningProxy) {
    this.blue = blue
    this.green = green
    this.proxy = proxy
  }

  /** Both probed and found well: blue is active, green stands by. */
  static async start(options: PairOptions = {}): Promise<Pair> {
    const { pool, listener, probe, stateDir, workers, maxConnections = {} } = options
    const blue = new Side('blue', await RecordingUpstream.start())
    const green = new Side('green', await RecordingUpstream.start())
    const upstreams = [
      { name: 'blue', port: blue.upstream.port, ...limit(maxConnections.blue) },
      { name: 'green', port: green.upstream.port, ...limit(maxConnections.green) },
    ]
    const proxy: ProxyOptions = {
      upstreams,
      probe: true,
      poolOverrides: { probe: { path: PROBE, interval: '250ms', timeout: '200ms', ...probe }, ...pool },
      ...(listener ? { listenerOverrides: listener } : {}),
      ...(stateDir === undefined ? {} : { stateDir }),
      ...(workers === undefined ? {} : { workers }),
    }
    const pair = new Pair(blue, green, await startProxy(proxy))
    await pair.until(({ upstreams: [one, other] }) => {
      return one?.health.status === 'healthy' && other?.health.status === 'healthy'
    }, 'both to be probed')
    return pair
  }

  view(): Promise<PoolView> {
    return getJson<PoolView>(this.proxy.adminPort, '/pools/shop')
  }

  until(check: (view: PoolView) => boolean, what: string, milliseconds = 5_000): Promise<PoolView> {
    return until(
      async () => {
        const view = await this.view()
        return check(view) ? view : undefined
      },
      { what, milliseconds },
    )
  }

  /** A command to the pool. Rejects when it is refused. */
  command(path: string, body: object = {}): Promise<unknown> {
    return postJson(this.proxy.adminPort, `/pools/shop/${path}`, body)
  }

  events(): Promise<{ events: readonly NoticeView[] }> {
    return getJson(this.proxy.adminPort, '/events')
  }

  /** The samples of one metric of /metrics, by their labels as written: `how="replay"` and the like. */
  async metric(name: string, label: string): Promise<number> {
    const text = await getText(this.proxy.adminPort, '/metrics')
    const lines = text.split('\n').filter((line) => line.startsWith(`understudy_${name}{`) && line.includes(label))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.proxy.port)
    this.#clients.add(client)
    return client
  }

  /** One request on a connection of its own. */
  async ask(request: Request = {}): Promise<StrictResponse> {
    const client = await this.connect()
    await client.send(requestText(request))
    try {
      return await client.response(request.method ?? 'GET', request.deadline)
    } finally {
      client.destroy()
      this.#clients.delete(client)
    }
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.proxy.stop()
    await Promise.all([this.blue.upstream.stop(), this.green.upstream.stop()])
  }
}
