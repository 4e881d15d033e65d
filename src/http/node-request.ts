/** A request that Node's own server has read, as the text of an HTTP/1.1 one: the strict parser judges it once more. */
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { HeadLimits } from '../wire/limits.ts'
import type { Refusal } from '../wire/request-head.ts'
import { canonicalHead, canonicalTrailers } from './http2-request.ts'

export type NodeRequest = IncomingMessage | Http2ServerRequest

/** `target`: in place of the one that came. */
export function nodeHead(request: NodeRequest, target: string, limits: HeadLimits): string | Refusal {
  const fields = request.rawHeaders
  if (request.httpVersionMajor < 2) {
    // Node has told the client to continue before anybody was asked.
    const lines = fieldLines(fields, (name) => name.toLowerCase() !== 'expect')
    return `${request.method} ${target} HTTP/1.${request.httpVersionMinor}\r\n${lines}\r\n`
  }
  const renamed = fields.map((value, index) => (fields[index - 1] === ':path' && index % 2 === 1 ? target : value))
  return canonicalHead(renamed, limits, bodyFollows(request))
}

/** For an upgrade: the request as it came, to be read by a connection of ours. */
export function upgradeHead(request: IncomingMessage, target: string): string {
  return `${request.method} ${target} HTTP/1.1\r\n${fieldLines(request.rawHeaders, () => true)}\r\n`
}

export function bodyFollows(request: NodeRequest): boolean {
  if (request.httpVersionMajor >= 2 && 'stream' in request) return !request.stream.endAfterHeaders
  const { headers } = request
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** As field lines; '' when there are none, or none that could be one. */
export function nodeTrailers(request: NodeRequest): string {
  const lines = canonicalTrailers(request.rawTrailers.map((text, index) => (index % 2 ? text : text.toLowerCase())))
  return typeof lines === 'string' ? lines : ''
}

function fieldLines(fields: readonly string[], keep: (name: string) => boolean): string {
  let lines = ''
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (keep(fields[i] ?? '')) lines += `${fields[i]}: ${fields[i + 1]}\r\n`
  }
  return lines
}
