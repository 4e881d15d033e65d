// HTTP/2 connections before a scripted pair, without listener and configuration: `blue` is the active, `green` stands by,
// and both count as healthy until traffic says otherwise.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { OwnAllowance } from '../../../../src/core/allowance.ts'
import type { PoolPolicy } from '../../../../src/core/policy.ts'
import type { Clock } from '../../../../src/core/time.ts'
import { ms } from '../../../../src/core/time.ts'
import { newUpstream } from '../../../../src/core/upstream.ts'
import type { AccessRecord } from '../../../../src/http/access-log.ts'
import { HttpPool } from '../../../../src/http/http-pool.ts'
import { Http2Connection, type Http2Limits } from '../../../../src/http/http2-connection.ts'
import { systemClock } from '../../../../src/runtime/clock.ts'
import { PoolRuntime } from '../../../../src/runtime/pool-runtime.ts'
import { WatchTimer } from '../../../../src/runtime/watch-timer.ts'
import { UNLIMITED } from '../../../../src/wire/connection-allowance.ts'
import { DEFAULT_CLIENT_LIMITS } from '../../../../src/wire/limits.ts'
import { Sweeper } from '../../../../src/wire/sweeper.ts'
import { at } from '../../../support/place.ts'
import { RecordingUpstream } from '../../../support/recording-upstream.ts'
import { certificate, key } from '../../../support/self-signed.ts'
import { Signal } from '../../../support/signal.ts'
import { blue, green, statelessPolicy } from '../../../support/simulated-pool.ts'
import { named } from './answers.ts'

export type FrontOptions = {
  readonly limits?: Partial<Http2Limits>
  readonly policy?: Partial<PoolPolicy>
  readonly holdRequests?: number
  readonly clock?: Clock
  readonly secure?: boolean
  /** What is read before the session gets the socket, as by a PROXY header or a look at the first bytes. */
  readonly peek?: number
  /** The client has gone before the session got its socket. */
  readonly gone?: boolean
  /** Another origin than the recording one, by its port. */
  readonly bluePort?: number
  readonly resume?: boolean
}

export class Front {
  readonly blue: RecordingUpstream
  readonly green: RecordingUpstream
  readonly runtime: PoolRuntime
  readonly pool: HttpPool
  readonly connections = new Set<Http2Connection>()
  readonly records: AccessRecord[] = []
  readonly signal = new Signal()
  ended = 0
  readonly #server: Server
  readonly #sweeper: Sweeper
  readonly #options: FrontOptions
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ClientHttp2Session>()

  static async start(options: FrontOptions = {}): Promise<Front> {
    const upstreams = await Promise.all(['blue', 'green'].map((name) => RecordingUpstream.start(named(name))))
    const front = new Front(options, upstreams[0]!, upstreams[1]!)
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve))
    return front
  }

  private constructor(options: FrontOptions, first: RecordingUpstream, second: RecordingUpstream) {
    const { clock = systemClock } = options
    this.#options = options
    this.blue = first
    this.green = second
    this.#sweeper = new Sweeper(clock)
    this.runtime = this.#buildRuntime(clock)
    this.runtime.start(() => {})
    for (const id of [blue, green]) {
      this.runtime.probed(id, { verdict: 'pass', failure: null, detail: 'well', latency: ms(1) }, clock.now())
    }
    this.pool = this.#buildPool()
    this.#server = options.secure
      ? createTlsServer(
          { cert: certificate, key, ALPNProtocols: ['h2'], pauseOnConnect: true, allowHalfOpen: true },
          (socket) => this.#accept(socket),
        )
      : createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => this.#arrive(socket))
  }

  #buildRuntime(clock: Clock): PoolRuntime {
    const { policy, holdRequests = 1_000 } = this.#options
    return new PoolRuntime({
      name: 'shop',
      upstreams: [newUpstream(blue, 'primary', 0, clock.now()), newUpstream(green, 'standby', 1, clock.now())],
      policy: { ...statelessPolicy, health: { healthy: 1, unhealthy: 2 }, ...policy },
      // Not what these tests are about; with a simulated clock a second may pass between two packets.
      surveillance: {
        evidence: { gatewayErrors: 5, successRate: 0.5 },
        hang: { hangAfter: 3_600_000, widen: false },
        gray: false,
      },
      hold: { requests: holdRequests, bytes: 16_777_216, time: policy?.hold?.time ?? 2_000 },
      restored: null,
      clock,
      watchTimer: new WatchTimer(clock),
      onNotice: () => {},
      persist: () => {},
      runHook: async () => ({ ok: true, detail: '' }),
    })
  }

  #buildPool(): HttpPool {
    const to = (port: number) => ({
      to: { ...at(port), socketPath: null, tls: null },
      protocol: 'http/1.1' as const,
      allowance: UNLIMITED,
    })
    let ids = 0
    return new HttpPool({
      runtime: this.runtime,
      upstreams: new Map([
        [blue, to(this.#options.bluePort ?? this.blue.port)],
        [green, to(this.green.port)],
      ]),
      options: {
        attempt: { connect: 400, responseHead: 30_000, request: 60_000, holdAnswers: 65_536 },
        replayBody: 65_536,
        idempotencyKey: false,
        standbyReads: true,
        resume: this.#options.resume ?? false,
        upgradeIdle: 60_000,
        defaultHost: 'shop.test',
      },
      memory: new OwnAllowance(67_108_864),
      sweeper: this.#sweeper,
      random: () => 0,
      makeRequestId: () => `made-${++ids}`,
      access: (_, record) => {
        this.records.push(record)
        this.signal.notify()
      },
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #arrive(socket: Socket): void {
    const { peek } = this.#options
    if (peek === undefined) return this.#accept(socket)
    socket.once('readable', () => {
      socket.unshift(socket.read())
      this.#accept(socket)
    })
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const { gone, secure = false } = this.#options
    if (gone && !socket.closed) {
      socket.once('close', () => this.#accept(socket))
      socket.destroy()
      return
    }
    const connection = new Http2Connection(
      {
        socket,
        client: { address: '127.0.0.1', port: socket.remotePort ?? 0 },
        local: { address: '127.0.0.1', port: this.port },
        secure,
        protocol: secure ? ((socket as TLSSocket).alpnProtocol as 'h2') : '',
        serverName: '',
        certificate: null,
      },
      {
        client: { listener: 'web', address: '127.0.0.1', secure, version: '2.0', identity: '', trusted: false },
        pool: this.pool,
        limits: { ...DEFAULT_CLIENT_LIMITS, streams: 100, ...this.#options.limits },
        onEnd: (ended) => {
          this.connections.delete(ended)
          this.ended += 1
          this.signal.notify()
        },
      },
    )
    this.connections.add(connection)
    this.signal.notify()
  }

  connect(): ClientHttp2Session {
    const { secure } = this.#options
    const session = connect(`${secure ? 'https' : 'http'}://127.0.0.1:${this.port}`, secure ? { ca: certificate } : {})
    session.on('error', () => {})
    this.#sessions.add(session)
    return session
  }

  untilEnded(): Promise<unknown> {
    return this.signal.until(() => this.ended === 1, 'the connection to end')
  }

  /** One request on a connection of its own. */
  async ask(headers: Record<string, string | string[]>, body?: string | Buffer): Promise<Answer> {
    const session = this.connect()
    try {
      return await answerTo(session.request({ ':path': '/', ...headers }, { endStream: body === undefined }), body)
    } finally {
      session.close()
    }
  }

  /** Requests that wait for an upstream, or for its answer. */
  get inFlight(): number {
    return this.runtime.ledger(blue).inFlight + this.runtime.ledger(green).inFlight
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy()
    for (const connection of [...this.connections]) connection.kill()
    for (const socket of this.#sockets) socket.destroy()
    this.#sweeper.stop()
    this.runtime.stop()
    this.pool.close()
    await Promise.all([this.blue.stop(), this.green.stop()])
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export type Answer = {
  status: number
  headers: IncomingHttpHeaders
  body: string
  trailers: IncomingHttpHeaders
  interims: IncomingHttpHeaders[]
  /** The head said that nothing follows it. */
  endedByHead: boolean
  rstCode: number
  error: string
}

const END_STREAM = 1

/** Everything that came until the stream closed, however it ended. */
export function answerTo(stream: ClientHttp2Stream, body?: string | Buffer): Promise<Answer> {
  const answer: Answer = {
    status: 0,
    headers: {},
    body: '',
    trailers: {},
    interims: [],
    endedByHead: false,
    rstCode: 0,
    error: '',
  }
  return new Promise((resolve) => {
    stream.on('response', (headers, flags) => {
      answer.status = headers[':status'] ?? 0
      answer.headers = headers
      answer.endedByHead = (flags & END_STREAM) !== 0
    })
    stream.on('headers', (headers) => answer.interims.push(headers))
    stream.on('trailers', (headers) => {
      answer.trailers = headers
    })
    stream.on('data', (bytes: Buffer) => {
      answer.body += bytes.toString('latin1')
    })
    stream.on('error', (error) => {
      answer.error = error.message
    })
    stream.on('close', () => resolve({ ...answer, rstCode: stream.rstCode ?? 0 }))
    if (body !== undefined) stream.end(body)
  })
}
