/** Answers on a stream of somebody else's HTTP/2 server, and bounds how long its client may take. */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Millis } from '../core/time.ts'
import { NOWHERE } from '../wire/roster.ts'
import type { Swept } from '../wire/sweeper.ts'
import type { FieldList } from './answer-sink.ts'
import { withHookFields } from './hook-fields.ts'
import { Http2Sink } from './http2-sink.ts'
import type { MessageExchange } from './message-exchange.ts'
import { streamFields } from './node-request.ts'
import type { NodeSinkSetup } from './node-sink.ts'

export type StreamSinkSetup = Omit<NodeSinkSetup, 'asksFirst'>

export class StreamSink extends Http2Sink implements Swept {
  sweptAt = NOWHERE
  private readonly request: Http2ServerRequest
  private readonly response: Http2ServerResponse
  private readonly setup: StreamSinkSetup
  private stalledSince: Millis | null = null

  constructor(request: Http2ServerRequest, response: Http2ServerResponse, setup: StreamSinkSetup) {
    const { sweeper } = setup
    super(request.stream, { now: () => sweeper.clock.now(), onStreamClosed: () => sweeper.remove(this) })
    this.request = request
    this.response = response
    this.setup = setup
  }

  serve(exchange: MessageExchange, target: string): void {
    const { request, setup } = this
    // Node's own response would send its trailers, of which it has none, in place of ours.
    request.stream.removeAllListeners('wantTrailers')
    setup.sweeper.add(this)
    this.start(exchange, streamFields(request, target), setup.server.limits)
  }

  override head(status: number, reason: string, fields: FieldList, endsHere: boolean): void {
    // For hooks that look at it later, such as the one that logs.
    this.response.statusCode = status
    super.head(status, reason, combined(withHookFields(fields, this.setup.added)), endsHere)
  }

  override interim(status: number, fields: FieldList): void {
    super.interim(status, combined(fields))
  }

  override end(trailers: FieldList): void {
    super.end(combined(trailers))
  }

  override sweep(now: Millis): void {
    const { limits, endsBy } = this.setup.server
    super.sweep(now, limits.idleTimeout)
    if (this.waiting) this.stalledSince ??= now
    else this.stalledSince = null
    const stalls = this.stalledSince !== null && now - this.stalledSince > limits.writeStall
    if (stalls || (endsBy !== null && now > endsBy)) this.request.stream.destroy(new Error('out of time'))
  }
}

/**
 * Lines of one name in one (RFC 9110 §5.3), the same thing twice once. Sessions that are not ours insist on a single value
 * where that is the rule, and throw at what an upstream has made of it.
 */
function combined(fields: FieldList): FieldList {
  const values = new Map<string, Set<string>>()
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    values.set(lower, (values.get(lower) ?? new Set()).add(value))
  }
  return [...values].flatMap(([name, each]) =>
    name === 'set-cookie' ? [...each].map((value) => [name, value] as const) : [[name, [...each].join(', ')] as const],
  )
}
