/**
 * A pool as a route of a Fastify application: everything that hooks let through goes to the pool by the same forwarding
 * as everything else. It takes the request over in `onRequest`, before Fastify looks at its body or content type.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { onRequestHookHandler } from 'fastify'
import { ClientConnection } from '../wire/client-connection.ts'
import type { ClientLimits } from '../wire/limits.ts'
import type { ClientInfo } from './exchange.ts'
import type { HttpPool } from './http-pool.ts'
import { MessageExchange } from './message-exchange.ts'
import type { NodeRequest } from './node-request.ts'
import { bodyFollows, nodeHead, upgradeHead } from './node-request.ts'
import type { NodeResponse } from './node-sink.ts'
import { NodeSink } from './node-sink.ts'
import type { PathRewrite } from './path-rewrite.ts'
import { rewritten } from './path-rewrite.ts'
import { upgradeOf } from './upgrade-routing.ts'
import { WireExchange } from './wire-exchange.ts'

export type PoolRouteSetup = Readonly<{
  pool: HttpPool
  /** Null: requests keep their path. */
  rewrite: PathRewrite | null
  limits: ClientLimits
  clientOf(request: NodeRequest): ClientInfo
}>

export function poolHook(setup: PoolRouteSetup): onRequestHookHandler {
  return (request, reply) => {
    const added = reply.getHeaders() as Record<string, string | string[]>
    reply.hijack()
    forward(request.raw, reply.raw, added, setup)
  }
}

/** `added`: response fields of those who looked at the request before. */
export function forward(
  request: NodeRequest,
  response: NodeResponse,
  added: Readonly<Record<string, string | string[]>>,
  setup: PoolRouteSetup,
): void {
  const { pool, limits, rewrite } = setup
  const client = setup.clientOf(request)
  const target = rewritten(request.url ?? '/', rewrite)
  const upgrade = upgradeOf(request)
  if (upgrade && target !== null) return join(request as IncomingMessage, response as ServerResponse, target, setup)
  const sink = new NodeSink(request, response, added)
  const exchange = new MessageExchange({ sink, client, pool, limits })
  const head =
    target === null
      ? ({ status: 400, reason: 'the path is encoded in a way that cannot be rewritten' } as const)
      : nodeHead(request, target, limits)
  if (typeof head === 'string') sink.start(exchange, head, bodyFollows(request))
  else exchange.refuse(head)
}

/** An upgrade needs the connection itself: one of ours reads the request again, and becomes the tunnel. */
function join(request: IncomingMessage, response: ServerResponse, target: string, setup: PoolRouteSetup): void {
  const { pool, limits } = setup
  const upgrade = upgradeOf(request)
  if (!upgrade) return
  const { socket, head } = upgrade
  const client = setup.clientOf(request)
  response.detachSocket(socket)
  socket.unshift(Buffer.concat([Buffer.from(upgradeHead(request, target), 'latin1'), head]))
  new ClientConnection(socket, {
    handler: (own) => new WireExchange(own, client, pool),
    limits,
    sweeper: pool.sweeper,
    // What follows would come past the hooks of the application.
    onlyOne: true,
    onEnd: () => {},
  })
  // Its handle has moved: closed, the server does not wait for it any more.
  if (socket.pending) socket.destroy()
}
