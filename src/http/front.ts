/**
 * The front of a listener that has routes of its own: a Fastify application that never listens, but is given the
 * connections that the listener has let in. What no local route answers goes to the listener's pool.
 */
import http from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import Fastify from 'fastify'
import type { ClientLimits } from '../wire/limits.ts'
import { everyMethod } from './every-method.ts'
import type { ClientInfo } from './exchange.ts'
import type { HttpPool } from './http-pool.ts'
import type { Front, ServedConnection } from './listener.ts'
import type { PathRewrite } from './path-rewrite.ts'
import type { PoolRouteSetup } from './pool-route.ts'
import { forward, poolHook } from './pool-route.ts'
import { routeUpgrades } from './upgrade-routing.ts'

/** `path`: exact, or a prefix that ends in `/*`. `methods`: empty for all. */
export type LocalRoute = Readonly<{ path: string; methods: readonly string[] }> &
  (
    | Readonly<{ kind: 'respond'; status: number; body: string; type: string }>
    | Readonly<{ kind: 'redirect'; status: number; to: string }>
    | Readonly<{ kind: 'pool'; pool: HttpPool; rewrite: PathRewrite | null }>
  )

export type FrontSetup = Readonly<{ routes: readonly LocalRoute[]; pool: HttpPool; limits: ClientLimits }>

const CHECK_EVERY = 1_000

export async function createFront(setup: FrontSetup): Promise<Front> {
  const connections = new WeakMap<object, FrontConnection>()
  const { limits } = setup
  const connectionOf = (socket: object): FrontConnection => {
    const connection = connections.get(socket)
    if (!connection) throw new Error('a request came in by a connection that no listener has let in')
    return connection
  }
  const toPool = (pool: HttpPool, rewrite: PathRewrite | null = null): PoolRouteSetup => ({
    pool,
    rewrite,
    limits,
    clientOf: ({ socket }) => connectionOf(socket).client,
  })
  const app = Fastify({
    exposeHeadRoutes: false,
    serverFactory: (handler) =>
      http.createServer(serverOptions(limits), (request, response) => {
        connectionOf(request.socket).begin(response)
        handler(request, response)
      }),
    // A path that cannot be decoded matches no local route; what it means is the upstream's business.
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      forward(request.raw, reply.raw, {}, toPool(setup.pool))
    },
  })
  everyMethod(app)
  for (const route of setup.routes) addRoute(app, route, toPool)
  addFallback(app, setup.routes, poolHook(toPool(setup.pool)))
  routeUpgrades(app)
  await app.ready()
  return {
    serve: ({ socket }, client, onEnd) => {
      const connection = new FrontConnection(socket, client)
      connections.set(socket, connection)
      socket.once('close', onEnd)
      app.server.emit('connection', socket)
      socket.resume()
      return connection
    },
  }
}

/** Every path and method that no local route has taken. */
function addFallback(app: FastifyInstance, routes: readonly LocalRoute[], onRequest: onRequestHookHandler): void {
  const all = routes.find(({ path }) => path === '/*')
  if (all?.methods.length === 0) return
  const method = app.supportedMethods.filter((each) => !all?.methods.includes(each))
  app.route({ method, url: '/*', onRequest, handler: nobody })
}

function addRoute(
  app: FastifyInstance,
  route: LocalRoute,
  toPool: (pool: HttpPool, rewrite: PathRewrite | null) => PoolRouteSetup,
): void {
  const method = route.methods.length === 0 ? app.supportedMethods : [...route.methods]
  const url = route.path
  switch (route.kind) {
    case 'respond':
      return void app.route({
        method,
        url,
        handler: (_request, reply) => reply.status(route.status).type(route.type).send(route.body),
      })
    case 'redirect':
      return void app.route({ method, url, handler: (_request, reply) => reply.redirect(route.to, route.status) })
    case 'pool':
      app.route({ method, url, onRequest: poolHook(toPool(route.pool, route.rewrite)), handler: nobody })
  }
}

/** The hook has taken every request before. */
function nobody(): never {
  throw new Error('a request of a pool came to a handler')
}

const serverOptions = (limits: ClientLimits): http.ServerOptions => ({
  maxHeaderSize: limits.headBytes,
  headersTimeout: limits.headTimeout,
  keepAliveTimeout: limits.idleTimeout,
  // The pool's own rules bound how long a body may take.
  requestTimeout: 0,
  connectionsCheckingInterval: CHECK_EVERY,
})

/** One connection, served by Node and Fastify. */
class FrontConnection implements ServedConnection {
  readonly client: ClientInfo
  private readonly socket: Socket
  private closing = false
  private underWay = 0

  constructor(socket: Socket, client: ClientInfo) {
    this.socket = socket
    this.client = client
  }

  begin(response: http.ServerResponse): void {
    this.underWay++
    if (this.closing) response.shouldKeepAlive = false
    response.once('close', () => {
      this.underWay--
      if (this.closing) this.closeWhenDone()
    })
  }

  closeWhenDone(): void {
    this.closing = true
    if (this.underWay === 0) this.socket.end()
  }

  kill(): void {
    this.socket.destroy()
  }
}
