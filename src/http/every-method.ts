import http from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Fastify knows nine methods; a proxy passes on whatever Node can read. CONNECT is no request for an upstream. */
export function everyMethod(app: FastifyInstance): void {
  for (const method of http.METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
  }
}
