/**
 * A pool as a route of a Fastify application: what its hooks let through goes to the pool by the same forwarding as
 * everything else. All hooks come first, those that expect a parsed body included, but nobody reads the body.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { RouteOptions } from 'fastify'
import { ClientConnection } from '../wire/client-connection.ts'
import type { ServedConnection } from '../wire/listener.ts'
import type { Refusal } from '../wire/request-head.ts'
import type { FieldList } from './answer-sink.ts'
import type { ClientInfo } from './exchange.ts'
import { hookFields } from './hook-fields.ts'
import type { HttpPool } from './http-pool.ts'
import { MessageExchange } from './message-exchange.ts'
import type { NodeRequest } from './node-request.ts'
import { bodyFollows, isHttp2, nodeHead } from './node-request.ts'
import type { ServerState } from './node-sink.ts'
import { NodeSink } from './node-sink.ts'
import type { PathRewrite } from './path-rewrite.ts'
import { routedTarget } from './path-rewrite.ts'
import { StreamSink } from './stream-sink.ts'
import { unreadBody } from './unread-body.ts'
import { upgradeOf } from './upgrade-routing.ts'
import { WireExchange } from './wire-exchange.ts'

/** The server that requests come from. */
export interface RouteServer extends ServerState {
  clientOf(request: NodeRequest): ClientInfo
  /** The client waits to be told to continue, and nobody has told it. */
  asksFirst(request: NodeRequest): boolean
  /** The connection has left Node's server: only `connection` can end it now. Returns what to call at its end. */
  onUpgrade(request: IncomingMessage, connection: ServedConnection): () => void
}

/** `rewrite`: null where requests keep their path. */
export type PoolRouteSetup = Readonly<{ pool: HttpPool; rewrite: PathRewrite | null; server: RouteServer }>
export type PoolRoute = Required<Pick<RouteOptions, 'preParsing' | 'preValidation' | 'handler'>>
type NodeResponse = ServerResponse | Http2ServerResponse

export function poolRoute(setup: PoolRouteSetup): PoolRoute {
  return {
    ...unreadBody(),
    handler: (request, reply) => {
      const { raw } = request
      if (raw.readableDidRead && bodyFollows(raw)) throw new Error('a hook has read the body that the pool is to get')
      const added = hookFields(reply)
      reply.hijack()
      forward(raw, reply.raw, setup, added)
    },
  }
}

/** `added`: fields of the answer that hooks have set. */
export function forward(
  request: NodeRequest,
  response: NodeResponse,
  setup: PoolRouteSetup,
  added: FieldList = [],
): void {
  // The client left while hooks made up their minds: nobody would ever tell.
  if (request.socket.destroyed || response.writableEnded) return
  const target = routedTarget(request.url ?? '/', setup.rewrite)
  if (isHttp2(request)) forwardStream(request, response as Http2ServerResponse, { ...setup, target, added })
  else forwardMessage(request, response as ServerResponse, { ...setup, target, added })
}

type Forwarded = PoolRouteSetup & Readonly<{ target: string | Refusal; added: FieldList }>

function forwardStream(request: Http2ServerRequest, response: Http2ServerResponse, setup: Forwarded): void {
  const { pool, server, target, added } = setup
  const { limits } = server
  const sink = new StreamSink(request, response, { added, server, sweeper: pool.sweeper })
  const exchange = new MessageExchange({ sink, client: server.clientOf(request), pool, limits })
  if (typeof target === 'string') sink.serve(exchange, target)
  else exchange.refuse(target)
}

function forwardMessage(request: IncomingMessage, response: ServerResponse, setup: Forwarded): void {
  const { pool, server, target, added } = setup
  const { limits } = server
  if (upgradeOf(request) && typeof target === 'string') return join(request, response, { ...setup, target })
  const asksFirst = server.asksFirst(request)
  const sink = new NodeSink(request, response, { added, server, sweeper: pool.sweeper, asksFirst })
  const exchange = new MessageExchange({ sink, client: server.clientOf(request), pool, limits })
  if (typeof target === 'string') sink.start(exchange, nodeHead(request, target, asksFirst))
  else exchange.refuse(target)
}

/** An upgrade needs the connection itself: one of ours reads the request again, and becomes the tunnel. */
function join(
  request: IncomingMessage,
  response: ServerResponse,
  { pool, server, target }: PoolRouteSetup & Readonly<{ target: string }>,
): void {
  const upgrade = upgradeOf(request)
  if (!upgrade) return
  const { socket, head } = upgrade
  const client = server.clientOf(request)
  response.detachSocket(socket)
  socket.unshift(Buffer.concat([Buffer.from(nodeHead(request, target, true), 'latin1'), head]))
  let ended = (): void => {}
  const connection = new ClientConnection(socket, {
    handler: (own) => new WireExchange(own, client, pool),
    limits: server.limits,
    sweeper: pool.sweeper,
    // What follows would come past the hooks of the application.
    onlyOne: true,
    onEnd: () => ended(),
  })
  ended = server.onUpgrade(request, connection)
  // Its handle has moved: closed, the server does not wait for it any more.
  if (socket.pending) socket.destroy()
}
