import http from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Fastify knows nine methods; a proxy passes on whatever Node can read. CONNECT is no request for an upstream. */
export function everyMethod(app: FastifyInstance): void {
  for (const method of http.METHODS) {
    if (method === 'CONNECT' || app.supportedMethods.includes(method)) continue
    const shorthand = method.toLowerCase()
    const taken = app.hasDecorator(shorthand)
    app.addHttpMethod(method, { hasBody: true })
    // Fastify adds `app.search(…)` with it, and an application that decorates itself with that name would not start.
    if (!taken) Reflect.deleteProperty(app, shorthand)
  }
}
