// Channels to one upstream that speaks HTTP/2, and a handler that keeps what it is told.

import type { AddressInfo, Server } from 'node:net'
import type { FailureKind } from '../../../src/core/failure.ts'
import type { Clock } from '../../../src/core/time.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { ConnectTls } from '../../../src/wire/connect-to.ts'
import { LocalAllowance, UNLIMITED } from '../../../src/wire/connection-allowance.ts'
import { Http2Channels } from '../../../src/wire/http2-channels.ts'
import type { KnownAddresses } from '../../../src/wire/known-addresses.ts'
import { DEFAULT_HEAD_LIMITS } from '../../../src/wire/limits.ts'
import { Sweeper } from '../../../src/wire/sweeper.ts'
import type { ResponseHandler, UpstreamChannel } from '../../../src/wire/upstream-channel.ts'
import { at } from '../../support/place.ts'
import { Signal } from '../../support/signal.ts'

export type Rig = {
  channels: Http2Channels
  connects: number
  heard: number
  /** How often it was said that a channel may be had now. */
  freed: number
  signal: Signal
  stop(): void
}

export type RigOptions = {
  clock?: Clock
  tls?: ConnectTls | null
  addresses?: KnownAddresses
  maxConnections?: number
}

export function rigTo(port: number, options: RigOptions = {}): Rig {
  const { clock = systemClock, tls = null, addresses, maxConnections } = options
  const sweeper = new Sweeper(clock)
  const to = { ...at(port), ...(addresses && { addresses }), socketPath: null, tls }
  const events = {
    onHeard: () => {
      rig.heard++
      rig.signal.notify()
    },
    onConnected: () => rig.connects++,
    onFree: () => {
      rig.freed++
      rig.signal.notify()
    },
  }
  const allowance = maxConnections === undefined ? UNLIMITED : new LocalAllowance(maxConnections)
  allowance.listen(events.onFree)
  const channels = new Http2Channels(to, { sweeper, limits: DEFAULT_HEAD_LIMITS, allowance, events })
  const rig: Rig = {
    channels,
    connects: 0,
    heard: 0,
    freed: 0,
    signal: new Signal(),
    stop: () => {
      channels.closeAll()
      sweeper.stop()
    },
  }
  return rig
}

export async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

export type Asked = Readonly<{
  method?: string
  path?: string
  fields?: readonly string[]
  body?: string | null
  bareBody?: boolean
  /** The rest of the request is written by the test. */
  open?: boolean
}>

/** One exchange; `said` has every call but those for bodies, in order. */
export class Heard implements ResponseHandler {
  readonly method: string
  readonly bareBody: boolean
  readonly said: string[] = []
  readonly signal = new Signal()
  status = 0
  headText = ''
  body = Buffer.alloc(0)
  trailers: string | null = null
  failure: { kind: FailureKind; detail: string } | null = null
  batches = 0
  writable = 0
  ended = 0
  /** Instead of keeping it. */
  take: ((bytes: Buffer) => void) | null = null
  whenHead: (() => void) | null = null
  whenAbandoned: (() => void) | null = null
  readonly channel: UpstreamChannel
  private readonly asked: Asked

  constructor(channel: UpstreamChannel | null, asked: Asked = {}) {
    if (!channel) throw new Error('there is no channel')
    this.channel = channel
    this.asked = asked
    this.method = asked.method ?? 'GET'
    this.bareBody = asked.bareBody ?? false
    channel.use(this)
  }

  onConnected(): void {
    this.say('connected')
    const { path = '/', fields = [], body = null, open = false } = this.asked
    const length = body === null ? [] : [`Content-Length: ${body.length}`]
    const lines = ['Host: shop.test', ...fields, ...length]
    this.channel.writeText(`${this.method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
    if (!open) this.channel.requestFinished()
  }

  onInterim(): void {
    this.say(`interim ${this.channel.head.statusText}`)
  }

  onHead(): void {
    const { head } = this.channel
    this.status = head.status
    this.headText = head.fields.text
    this.say(`head ${head.status} ${head.body}`)
    this.whenHead?.()
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    const piece = bytes.subarray(from, to)
    if (this.take) this.take(piece)
    else this.body = Buffer.concat([this.body, piece])
  }

  onBatch(): void {
    this.batches++
    this.signal.notify()
  }

  onFinished(trailers: string): void {
    this.ended++
    this.trailers = trailers
    this.say('finished')
  }

  onWritable(): void {
    this.writable++
    this.signal.notify()
  }

  onFailed(kind: FailureKind, detail: string): void {
    this.ended++
    this.failure = { kind, detail }
    this.say(`failed ${kind}`)
  }

  onAbandoned(): void {
    this.say('abandoned')
    this.whenAbandoned?.()
  }

  sweep(): void {}

  get text(): string {
    return this.body.toString('latin1')
  }

  /** How it ended: `finished`, or the kind of failure. */
  async end(): Promise<string> {
    await this.signal.until(() => this.ended > 0, `the end of ${this.method} (${this.said.join(', ')})`)
    return this.failure?.kind ?? 'finished'
  }

  async head(): Promise<number> {
    await this.signal.until(() => this.status > 0 || this.ended > 0, 'a head')
    return this.status
  }

  private say(what: string): void {
    this.said.push(what)
    this.signal.notify()
  }
}
