// A TCP listener before a pool of `blue` and `green`: real sockets, the real runtime, and a clock that moves when a test
// says so. Nobody probes but the test.
import { OwnAllowance } from '../../src/core/allowance.ts'
import type { Command, CommandReply, Notice } from '../../src/core/events.ts'
import type { FailureKind } from '../../src/core/failure.ts'
import type { PoolPolicy } from '../../src/core/policy.ts'
import { ms } from '../../src/core/time.ts'
import { newUpstream, type UpstreamId } from '../../src/core/upstream.ts'
import { type HookRun, PoolRuntime } from '../../src/runtime/pool-runtime.ts'
import { WatchTimer } from '../../src/runtime/watch-timer.ts'
import type { TcpAccessRecord } from '../../src/tcp/access-log.ts'
import { TcpListener, type TcpListenerOptions } from '../../src/tcp/listener.ts'
import type { TcpUpstream } from '../../src/tcp/tcp-endpoint.ts'
import { TcpPool, type TcpPoolOptions } from '../../src/tcp/tcp-pool.ts'
import type { ConnectTls } from '../../src/wire/connect-to.ts'
import { LocalAllowance, UNLIMITED } from '../../src/wire/connection-allowance.ts'
import { Sweeper } from '../../src/wire/sweeper.ts'
import { FakeClock } from './fake-clock.ts'
import { at } from './place.ts'
import { RawClient } from './raw-client.ts'
import { Signal, turns } from './signal.ts'
import { blue, green, operator, statelessPolicy } from './simulated-pool.ts'
import type { TcpOrigin } from './tcp-origin.ts'

export type RigOptions = Readonly<{
  blue: TcpOrigin
  green: TcpOrigin
  policy?: PoolPolicy
  options?: Partial<TcpPoolOptions>
  holdRequests?: number
  tls?: ConnectTls | null
  proxyProtocol?: TcpUpstream['proxyProtocol']
  /** Of each of the two. */
  maxConnections?: number
  listener?: Partial<TcpListenerOptions>
  /** Green is as good as blue from the start; else nothing is known of it. */
  standbyFit?: boolean
}>

type PendingHook = Readonly<{ run: HookRun; finish(result: { ok: boolean; detail: string }): void }>

export class TcpRig {
  readonly clock = new FakeClock()
  readonly sweeper = new Sweeper(this.clock)
  readonly notices: Notice[] = []
  readonly records: TcpAccessRecord[] = []
  readonly hooks: PendingHook[] = []
  /** Upstreams that somebody wanted probed. */
  readonly probed: UpstreamId[] = []
  readonly signal = new Signal()
  /** Taken in turn by whatever is spread at random. */
  randoms: number[] = [0.5]
  readonly runtime: PoolRuntime
  readonly pool: TcpPool
  readonly listener: TcpListener
  port = 0
  readonly clients: RawClient[] = []
  private readonly origins: readonly TcpOrigin[]
  private drawn = 0

  private constructor(options: RigOptions) {
    this.origins = [options.blue, options.green]
    const { clock, sweeper } = this
    const { policy = statelessPolicy, tls = null, proxyProtocol = 'off', maxConnections } = options
    this.runtime = new PoolRuntime({
      name: 'db',
      upstreams: [newUpstream(blue, 'primary', 0, clock.now()), newUpstream(green, 'standby', 1, clock.now())],
      policy,
      surveillance: {
        evidence: { gatewayErrors: 5, successRate: 0.5 },
        hang: { hangAfter: 400, widen: true },
        gray: true,
      },
      hold: { requests: options.holdRequests ?? 100, bytes: 1_000_000, time: policy.hold.time },
      restored: null,
      clock,
      watchTimer: new WatchTimer(clock),
      onNotice: (notice) => this.notices.push(notice),
      persist: () => {},
      runHook: (run) => new Promise((finish) => this.hooks.push({ run, finish })),
    })
    const upstream = ({ port, path }: TcpOrigin): TcpUpstream => ({
      to: { ...at(port), socketPath: path === '' ? null : path, tls },
      proxyProtocol,
      allowance: maxConnections === undefined ? UNLIMITED : new LocalAllowance(maxConnections),
    })
    this.pool = new TcpPool({
      runtime: this.runtime,
      upstreams: new Map([
        [blue, upstream(options.blue)],
        [green, upstream(options.green)],
      ]),
      options: { connect: 400, idle: 60_000, early: 65_536, ...options.options },
      sweeper,
      random: () => this.randoms[this.drawn++ % this.randoms.length] ?? 0,
      access: (record) => {
        this.records.push(record)
        this.signal.notify()
      },
    })
    this.listener = new TcpListener({
      name: 'front',
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      sockets: 1,
      reusePort: false,
      connections: new OwnAllowance(1_000),
      connectionsPerAddress: 0,
      handshakes: 100,
      handshakeTimeout: 5_000,
      proxyProtocol: 'off',
      trustsProxy: () => true,
      tls: null,
      readServerName: false,
      readPreface: false,
      sweeper,
      route: () => this.pool,
      onError: (error) => {
        throw error
      },
      ...options.listener,
    })
  }

  static async start(options: RigOptions): Promise<TcpRig> {
    const rig = new TcpRig(options)
    rig.runtime.start((id) => rig.probed.push(id))
    if (options.standbyFit !== false) for (const id of [blue, green]) rig.passes(id)
    rig.port = (await rig.listener.listen()).port ?? 0
    return rig
  }

  /** Probes of it pass, as often as it takes. */
  passes(id: UpstreamId): void {
    for (let count = 0; count < 2; count++) {
      this.clock.advance(10)
      const result = { verdict: 'pass', failure: null, detail: 'connected', latency: ms(1) } as const
      this.runtime.probed(id, result, this.clock.now())
    }
  }

  /** Probes of it fail, as often as it takes: refused ones are a crash, twice. */
  fails(id: UpstreamId, failure: FailureKind = 'refused'): void {
    for (let count = 0; count < 2; count++) {
      this.clock.advance(10)
      const result = { verdict: 'fail', failure, detail: `connection ${failure}`, latency: ms(1) } as const
      this.runtime.probed(id, result, this.clock.now())
    }
  }

  command(command: Command): CommandReply {
    return this.runtime.command(command, operator)
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.port)
    this.clients.push(client)
    return client
  }

  /** Connected, and its greeting read. */
  async greeted(text: string): Promise<RawClient> {
    const client = await this.connect()
    await client.signal.until(() => client.text === text, `the greeting '${text}' (got '${client.text}')`)
    return client
  }

  greetedBy(text: string, count: number): Promise<RawClient[]> {
    return Promise.all(Array.from({ length: count }, () => this.greeted(text)))
  }

  held(count: number): Promise<void> {
    return this.until(() => this.runtime.hold.size === count, `${count} sessions to be held`)
  }

  /** How the attempts of the first session went, in words. */
  async failures(): Promise<string[]> {
    return (await this.record()).attempts.map(({ upstream, failure }) => `${upstream} ${failure}`)
  }

  /** For what shows on no socket: asked after every turn of the event loop. */
  async until(check: () => boolean, what: string, milliseconds = 5_000): Promise<void> {
    const deadline = performance.now() + milliseconds
    while (!check()) {
      if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms for ${what}`)
      await turns()
    }
  }

  async record(index = 0): Promise<TcpAccessRecord> {
    return await this.signal.until(() => this.records[index], `record ${index}`)
  }

  ledger(id: UpstreamId) {
    return this.runtime.ledger(id)
  }

  /** The origins behind it as well. */
  async stop(): Promise<void> {
    for (const client of this.clients) client.destroy()
    this.runtime.stop()
    this.listener.kill()
    this.pool.close()
    await this.listener.drain()
    this.sweeper.stop()
    await Promise.all(this.origins.map((origin) => origin.stop()))
  }
}
