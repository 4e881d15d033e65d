/** Answers through a response of Node's own server, HTTP/1.1 or the like of it that Node makes of HTTP/2. */
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { constants } from 'node:http2'
import { breakOff } from '../wire/transport.ts'
import type { AnswerSink, FieldList } from './answer-sink.ts'
import type { MessageExchange } from './message-exchange.ts'
import type { NodeRequest } from './node-request.ts'
import { nodeTrailers } from './node-request.ts'

export type NodeResponse = ServerResponse | Http2ServerResponse

/** What Node adds or forbids by itself. */
const NODES_OWN = /^(?:connection|proxy-connection|keep-alive|transfer-encoding|upgrade|te|http2-settings)$/

export class NodeSink implements AnswerSink {
  private readonly request: NodeRequest
  private readonly response: NodeResponse
  private readonly added: Readonly<Record<string, string | string[]>>

  /** `added`: fields that hooks have set; what the upstream says of the same name wins. */
  constructor(request: NodeRequest, response: NodeResponse, added: Readonly<Record<string, string | string[]>>) {
    this.request = request
    this.response = response
    this.added = added
  }

  start(exchange: MessageExchange, headText: string, bodyFollows: boolean): void {
    const { request, response } = this
    response.on('drain', () => exchange.writable())
    response.on('close', () => exchange.gone())
    // What broke shows as `close`; unheard, it would end the process.
    request.on('error', () => {})
    response.on('error', () => {})
    exchange.begin(headText, bodyFollows)
    request.on('data', (bytes: Buffer) => exchange.body(bytes))
    request.on('end', () => {
      if (bodyFollows) exchange.bodyEnd(nodeTrailers(request))
    })
  }

  interim(status: number, fields: FieldList): void {
    // Node can send no others. Its own 100 has gone out before anybody was asked.
    if (status === 103 && !this.response.headersSent) this.response.writeEarlyHints(grouped(fields))
  }

  head(status: number, reason: string, fields: FieldList, endsHere: boolean): void {
    const { response } = this
    if (response.headersSent) return
    response.sendDate = false
    const headers = { ...this.added, ...grouped(fields) }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (this.request.httpVersionMajor < 2) response.statusMessage = reason
    response.statusCode = status
    if (endsHere) return void response.end()
    // With the first of the body if that follows at once, in one write.
    queueMicrotask(() => {
      if (response.headersSent) return
      if ('flushHeaders' in response) response.flushHeaders()
      else response.writeHead(status)
    })
  }

  write(bytes: Buffer): boolean {
    const { response } = this
    return 'flushHeaders' in response ? response.write(bytes) : response.write(bytes)
  }

  end(trailers: FieldList): void {
    if (trailers.length > 0) this.response.addTrailers(joined(trailers))
    this.response.end()
  }

  truncate(): void {
    const { response } = this
    if ('createPushResponse' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    else if (response.socket) breakOff(response.socket)
  }

  pauseBody(): void {
    this.request.pause()
  }

  resumeBody(): void {
    this.request.resume()
  }
}

/** RFC 9110 §5.3: lines of the same name are one list. Node takes one value for each. */
function joined(fields: FieldList): Record<string, string> {
  return Object.fromEntries(Object.entries(grouped(fields)).map(([name, values]) => [name, values.join(', ')]))
}

function grouped(fields: FieldList): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null)
  for (const [name, value] of fields) {
    const lower = name.toLowerCase()
    if (NODES_OWN.test(lower)) continue
    const values = headers[lower]
    if (values) values.push(value)
    else headers[lower] = [value]
  }
  return headers
}
