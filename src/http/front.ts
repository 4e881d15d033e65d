/**
 * The front of a listener that has routes of its own: a Fastify application that never listens, but is given the
 * connections that the listener has let in. What no local route answers goes to the listener's pool.
 */
import http from 'node:http'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'
import type { ClientLimits } from '../wire/limits.ts'
import type { Refusal } from '../wire/request-head.ts'
import { everyMethod } from './every-method.ts'
import { FrontConnection } from './front-connection.ts'
import type { HttpPool } from './http-pool.ts'
import type { Front } from './listener.ts'
import type { LocalRoute } from './local-route.ts'
import { localRoute } from './local-route.ts'
import type { PoolRouteSetup, RouteServer } from './pool-route.ts'
import { forward, poolRoute } from './pool-route.ts'
import { routeUpgrades } from './upgrade-routing.ts'

export type FrontSetup = Readonly<{ routes: readonly LocalRoute[]; pool: HttpPool; limits: ClientLimits }>

export async function createFront({ routes, pool, limits }: FrontSetup): Promise<Front> {
  const connections = new Connections(limits)
  const toPool: PoolRouteSetup = { pool, rewrite: null, server: connections }
  const app = Fastify({
    exposeHeadRoutes: false,
    serverFactory: (handler) => createServer(connections, handler, toPool),
    clientErrorHandler: (error, socket) => connections.of(socket)?.refuse(refusalOf(error)),
    // A path that cannot be decoded matches no local route; what it means is the upstream's business.
    frameworkErrors: (_error, request, reply) => {
      reply.hijack()
      forward(request.raw, reply.raw, toPool)
    },
  })
  everyMethod(app)
  for (const route of routes) {
    const method = route.methods.length === 0 ? app.supportedMethods : [...route.methods]
    app.route({ method, url: route.path, ...localRoute(route, connections) })
  }
  addFallback(app, routes, toPool)
  routeUpgrades(app, pool.clock)
  await app.ready()
  return {
    serve: ({ socket }, client, onEnd) => {
      const connection = new FrontConnection(socket, client, { limits, sweeper: pool.sweeper, onEnd })
      connections.add(socket, connection)
      app.server.emit('connection', socket)
      socket.resume()
      return connection
    },
  }
}

/** What the routes of a front ask about their clients. */
class Connections implements RouteServer {
  readonly limits: ClientLimits
  /** Every connection knows for itself. */
  readonly endsBy = null
  private readonly bySocket = new WeakMap<object, FrontConnection>()
  private readonly asking = new WeakSet<object>()

  constructor(limits: ClientLimits) {
    this.limits = limits
  }

  add(socket: object, connection: FrontConnection): void {
    this.bySocket.set(socket, connection)
  }

  of(socket: object): FrontConnection | undefined {
    return this.bySocket.get(socket)
  }

  clientOf: RouteServer['clientOf'] = ({ socket }) => this.known(socket).client

  onUpgrade: RouteServer['onUpgrade'] = ({ socket }, connection) => this.known(socket).upgraded(connection)

  asksFirst: RouteServer['asksFirst'] = (request) => this.asking.has(request)

  willAsk(request: object): void {
    this.asking.add(request)
  }

  private known(socket: object): FrontConnection {
    const connection = this.of(socket)
    if (!connection) throw new Error('a request came in by a connection that no listener has let in')
    return connection
  }
}

function createServer(connections: Connections, handler: http.RequestListener, toPool: PoolRouteSetup): http.Server {
  const { headBytes, idleTimeout } = connections.limits
  const serve = (request: http.IncomingMessage, response: http.ServerResponse, refusal = faultOf(request)): void => {
    const connection = connections.of(request.socket)
    // RFC 9112 §3.2.2: an absolute target without a path has the path /.
    request.url = request.url?.replace(/^(https?:\/\/[^/?]*)(?=\?|$)/i, '$1/') ?? '/'
    const turn = (): void => {
      if (refusal) connection?.refuseRequest(response, refusal)
      // §3.2.4: of no path at all, so of no route.
      else if (request.url === '*') forward(request, response, toPool)
      else handler(request, response)
    }
    connection?.begin({ request, response, serve: turn })
  }
  // Its own limits on time begin to work only when it listens. Ours are in FrontConnection, and in the pool's forwarding.
  const options = {
    maxHeaderSize: headBytes,
    keepAliveTimeout: idleTimeout,
    requestTimeout: 0,
    requireHostHeader: false,
  }
  const server = http.createServer(options, (request, response) => serve(request, response))
  // Node's types do not know it: a client that has finished sending still gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('checkContinue', (request, response) => {
    connections.willAsk(request)
    serve(request, response)
  })
  server.on('checkExpectation', (request, response) => {
    serve(request, response, { status: 417, reason: 'unknown expectation' })
  })
  server.on('connect', ({ socket }) => {
    connections.of(socket)?.refuse({ status: 501, reason: 'CONNECT is not supported' })
  })
  return server
}

/** Every path and method that no local route has taken. */
function addFallback(app: FastifyInstance, routes: readonly LocalRoute[], toPool: PoolRouteSetup): void {
  const all = routes.find(({ path }) => path === '/*')
  if (all?.methods.length === 0) return
  const method = app.supportedMethods.filter((each) => !all?.methods.includes(each))
  if (method.length > 0) app.route({ method, url: '/*', ...poolRoute(toPool) })
}

/** What Node's parser lets pass, and no route should see. */
function faultOf({ httpVersion, headers }: http.IncomingMessage): Refusal | null {
  if (!httpVersion.startsWith('1.')) return { status: 505, reason: `HTTP/${httpVersion} is not supported` }
  return httpVersion === '1.1' && headers.host === undefined ? { status: 400, reason: 'no Host' } : null
}

/** What Node's parser stumbles over. */
const STUMBLES: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'head too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: 'chunk extensions' },
  HPE_INVALID_VERSION: { status: 505, reason: 'unknown version' },
  HPE_INVALID_EOF_STATE: { status: 400, reason: 'the request was cut off' },
}

const refusalOf = ({ code }: Readonly<{ code: string }>): Refusal =>
  STUMBLES[code] ?? { status: 400, reason: 'malformed' }
