/** A route of a listener's own: an answer, a redirect, or another pool than the listener's. */
import type { RouteHandlerMethod, RouteOptions } from 'fastify'
import type { HttpPool } from './http-pool.ts'
import { bodyFollows } from './node-request.ts'
import type { PathRewrite } from './path-rewrite.ts'
import type { RouteServer } from './pool-route.ts'
import { poolRoute } from './pool-route.ts'
import { unreadBody } from './unread-body.ts'

/** `path`: exact, or a prefix that ends in `/*`. `methods`: empty for all. */
export type LocalRoute = Readonly<{ path: string; methods: readonly string[] }> &
  (
    | Readonly<{ kind: 'respond'; status: number; body: string; type: string }>
    | Readonly<{ kind: 'redirect'; status: number; to: string }>
    | Readonly<{ kind: 'pool'; pool: HttpPool; rewrite: PathRewrite | null }>
  )

export function localRoute(route: LocalRoute, server: RouteServer): Pick<RouteOptions, 'handler'> {
  switch (route.kind) {
    case 'respond':
      return answering((_request, reply) => reply.status(route.status).type(route.type).send(route.body))
    case 'redirect':
      return answering((_request, reply) => reply.redirect(route.to, route.status))
    case 'pool':
      return poolRoute({ pool: route.pool, rewrite: route.rewrite, server })
  }
}

function answering(answer: RouteHandlerMethod): Pick<RouteOptions, 'handler'> {
  return {
    ...unreadBody(),
    handler(request, reply) {
      // Its rest would be read to no purpose, however long it is.
      if (bodyFollows(request.raw)) reply.header('connection', 'close')
      return answer.call(this, request, reply)
    },
  }
}
