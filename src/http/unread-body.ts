/**
 * Leads a request through all hooks of its route without anybody reading its body: Fastify parses every body that the
 * fields speak of, so for the moment of that decision they speak of none.
 */
import { Readable } from 'node:stream'
import type { FastifyRequest, preParsingHookHandler, preValidationHookHandler } from 'fastify'

export type UnreadBody = Readonly<{ preParsing: preParsingHookHandler; preValidation: preValidationHookHandler }>

const NO_BODY = { 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined }
/** RFC 10008: Fastify wants one with every QUERY, and a parser that it has. */
const EMPTY_TEXT = { ...NO_BODY, 'content-type': 'text/plain', 'content-length': '0' }

export function unreadBody(): UnreadBody {
  const hidden = new WeakMap<FastifyRequest, FastifyRequest['headers']>()
  return {
    preParsing: (request, _reply, payload, done) => {
      const { headers } = request
      const query = request.method === 'QUERY'
      hidden.set(request, headers)
      request.headers = { ...headers, ...(query ? EMPTY_TEXT : NO_BODY) }
      done(null, query ? Readable.from([]) : payload)
    },
    preValidation: (request, _reply, done) => {
      const headers = hidden.get(request)
      if (headers) request.headers = headers
      done()
    },
  }
}
