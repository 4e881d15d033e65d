/**
 * Requests of a drill to one upstream: on connections made as the traffic's are, but of their own, so that nothing that
 * happens on them is evidence. Only GET: a drill must not execute anything.
 */
import type { DrillRequest } from '../core/drill.ts'
import type { FailureKind } from '../core/failure.ts'
import type { Millis } from '../core/time.ts'
import type { DrillTarget } from '../runtime/drill.ts'
import type { Sweeper } from '../wire/sweeper.ts'
import type { ResponseHandler, UpstreamChannel, UpstreamChannels } from '../wire/upstream-channel.ts'
import type { HttpUpstream } from './upstream-endpoint.ts'
import { channelsTo } from './upstream-endpoint.ts'

export type DrillRequestSettings = Readonly<{ path: string; host: string; version: string }>

/** Of one answer. What is larger has proved enough. */
const MOST_BYTES = 262_144
const UNHEARD = { onHeard: () => {}, onConnected: () => {} }

export class HttpDrillTarget implements DrillTarget {
  private readonly channels: UpstreamChannels
  private readonly sweeper: Sweeper
  private readonly text: string

  constructor(upstream: HttpUpstream, sweeper: Sweeper, settings: DrillRequestSettings) {
    this.channels = channelsTo(upstream, { sweeper, events: UNHEARD })
    this.sweeper = sweeper
    this.text = requestText(settings)
  }

  ask(deadline: Millis, done: (request: DrillRequest) => void): void {
    const { clock } = this.sweeper
    const channel = this.channels.acquire(true)
    if (!channel) return done({ at: clock.now(), status: null, failure: 'no connection is free', latency: 0 })
    new DrillExchange(this.text, { deadline, now: () => clock.now() }, done).start(channel)
  }

  close(): void {
    this.channels.closeAll()
  }
}

function requestText({ path, host, version }: DrillRequestSettings): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    `User-Agent: understudy-drill/${version}`,
    'Accept: */*',
    'Understudy-Drill: 1',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

class DrillExchange implements ResponseHandler {
  readonly method = 'GET'
  readonly bareBody = true
  private readonly text: string
  private readonly limits: Readonly<{ deadline: Millis; now: () => Millis }>
  private readonly done: (request: DrillRequest) => void
  private readonly at: Millis
  private channel: UpstreamChannel | null = null
  /** Until its head. */
  private latency: number | null = null
  private status = 0
  private bytes = 0

  constructor(text: string, limits: DrillExchange['limits'], done: (request: DrillRequest) => void) {
    this.text = text
    this.limits = limits
    this.done = done
    this.at = limits.now()
  }

  start(channel: UpstreamChannel): void {
    this.channel = channel
    channel.use(this)
  }

  onConnected(): void {
    this.channel?.writeText(this.text)
    this.channel?.requestFinished()
  }

  onHead(): void {
    this.status = this.channel?.head.status ?? 0
    this.latency = this.limits.now() - this.at
  }

  onBody(_bytes: Buffer, from: number, to: number): void {
    this.bytes += to - from
    if (this.bytes > MOST_BYTES) this.endEarly()
  }

  onFinished(): void {
    this.report(null)
  }

  onFailed(_kind: FailureKind, detail: string): void {
    this.report(this.latency === null ? detail : `answered ${this.status}, then: ${detail}`)
  }

  sweep(now: Millis): void {
    if (now < this.limits.deadline || !this.channel) return
    // An answer that has begun may go on for ever, and be meant to.
    if (this.latency !== null) this.endEarly()
    else this.channel.fail('timeout', `no answer within ${Math.round(this.limits.deadline - this.at)} ms`)
  }

  onInterim(): void {}
  onBatch(): void {}
  onWritable(): void {}
  onAbandoned(): void {}

  private endEarly(): void {
    this.channel?.discard()
    this.report(null)
  }

  private report(failure: string | null): void {
    if (!this.channel) return
    this.channel = null
    const { at, latency } = this
    const status = failure === null ? this.status : null
    this.done({ at, status, failure, latency: latency ?? this.limits.now() - at })
  }
}
