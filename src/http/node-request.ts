/** A request that Node's own server has read, as the text of an HTTP/1.1 one: the strict parser judges it once more. */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { HeaderList } from '../wire/http2-fields.ts'
import type { Refusal } from '../wire/request-head.ts'
import { canonicalTrailers } from './http2-request.ts'

export type NodeRequest = IncomingMessage | Http2ServerRequest

/** Not by its version: Node's HTTP/1.1 server reads `GET / HTTP/2.0` as well. */
export const isHttp2 = (request: NodeRequest): request is Http2ServerRequest => 'stream' in request

/** `target`: in place of the one that came. `asksFirst`: nobody has told the client to continue yet (`Expect`). */
export function nodeHead(request: IncomingMessage, target: string, asksFirst: boolean): string {
  const { method, httpVersion, rawHeaders } = request
  const lines = fieldLines(rawHeaders, (name) => asksFirst || name.toLowerCase() !== 'expect')
  return `${method} ${target} HTTP/${httpVersion}\r\n${lines}\r\n`
}

/** Of a stream, with `target` in place of its `:path`. Node has told the client to continue before anybody was asked. */
export function streamFields({ rawHeaders }: Pick<Http2ServerRequest, 'rawHeaders'>, target: string): HeaderList {
  const fields: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name !== 'expect') fields.push(name, name === ':path' ? target : (rawHeaders[i + 1] ?? ''))
  }
  return fields
}

export function bodyFollows({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** As field lines. Whoever injects requests without a connection has none. */
export function nodeTrailers({ rawTrailers = [] }: Partial<Pick<IncomingMessage, 'rawTrailers'>>): string | Refusal {
  const judged = canonicalTrailers(rawTrailers.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)))
  return typeof judged === 'string' ? fieldLines(rawTrailers, () => true) : judged
}

function fieldLines(fields: readonly string[], keep: (name: string) => boolean): string {
  let lines = ''
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (keep(fields[i] ?? '')) lines += `${fields[i]}: ${fields[i + 1]}\r\n`
  }
  return lines
}
