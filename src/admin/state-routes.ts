/** Everything that only tells. No route in this file changes anything. */
import type { FastifyInstance } from 'fastify'
import { ApiError } from './errors.ts'
import { findDecision, findTrouble } from './grounds-view.ts'
import type { AdminOptions } from './options.ts'
import { findPool, snapshot } from './pool-access.ts'
import { SCHEMAS } from './schemas.ts'
import type { PoolSnapshot } from './views.ts'
import { explainView, noticeView, poolSummary, poolView } from './views.ts'

const EVENTS = 100
const EXPLAINED_EVENTS = 10

type PoolParams = { Params: { pool: string } }
type EventsQuery = { Querystring: { since?: string; pool?: string; limit?: string } }

export function stateRoutes(app: FastifyInstance, options: AdminOptions): void {
  const all = <View>(view: (of: PoolSnapshot) => View): View[] =>
    [...options.pools.values()].map((pool) => view(snapshot(options, pool)))

  app.get('/upstreams', { schema: SCHEMAS.upstreams }, async () => ({ pools: all(poolView) }))
  app.get('/pools', { schema: SCHEMAS.pools }, async () => ({ pools: all(poolSummary) }))
  app.get<PoolParams>('/pools/:pool', { schema: SCHEMAS.pool }, async ({ params }) =>
    poolView(snapshot(options, findPool(options, params.pool))),
  )
  app.get<PoolParams>('/pools/:pool/explain', { schema: SCHEMAS.explain }, async ({ params }) => {
    const pool = findPool(options, params.pool)
    const { state } = pool
    const notices = options.notices.since(0, pool.name).slice(-EXPLAINED_EVENTS)
    const decision = await findDecision(options, state)
    return explainView(snapshot(options, pool), { notices, decision, trouble: findTrouble(options, state) })
  })
  app.get<EventsQuery>('/events', { schema: SCHEMAS.events }, async ({ query, headers }) => {
    if (headers.accept?.includes('text/event-stream')) {
      throw new ApiError('event_stream_not_available', 'Events as a stream are not in this version.')
    }
    if (query.pool !== undefined) findPool(options, query.pool)
    const found = options.notices.since(Number(query.since ?? 0), query.pool ?? null)
    const limit = Number(query.limit ?? EVENTS)
    // Who follows must not miss any in between; who looks wants the latest.
    const chosen = query.since === undefined ? found.slice(-limit) : found.slice(0, limit)
    // Smaller than `since`: the process has been started again, and counts from 1 again.
    const last = options.notices.since(0).at(-1)?.id ?? 0
    return { last, events: chosen.map(noticeView) }
  })
  systemRoutes(app, options)
}

function systemRoutes(app: FastifyInstance, options: AdminOptions): void {
  const { metrics, version } = options
  app.get('/config', { schema: SCHEMAS.config }, async () => options.configView)
  app.get('/metrics', { schema: SCHEMAS.metrics }, async (_, reply) => {
    reply.type(metrics.contentType)
    // Not through the serialiser of this API: this is text already.
    return reply.serializer((text: string) => text).send(await metrics.text())
  })
  app.get('/healthz', { schema: SCHEMAS.healthz }, async () => ({ status: 'ok' }))
  app.get('/readyz', { schema: SCHEMAS.readyz }, async () => {
    if (!options.ready()) throw new ApiError('not_ready', 'Traffic cannot be served right now.')
    return { status: 'ready', version, listeners: options.listeners() }
  })
}
