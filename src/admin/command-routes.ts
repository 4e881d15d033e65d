/** Everything that changes something: one POST a command, each recorded with who asked and why. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Command, Origin } from '../core/events.ts'
import { upstreamId } from '../core/upstream.ts'
import { ApiError } from './errors.ts'
import type { AdminOptions } from './options.ts'
import { SCHEMAS } from './schemas.ts'
import { findPool, snapshot } from './state-routes.ts'
import { poolView } from './views.ts'

type Body = Readonly<{ to?: string; force?: boolean; why?: string; by?: string }>
type Params = Readonly<{ pool: string; upstream?: string }>
type Route = { Params: Params; Body: Body }

const POOL_COMMANDS = ['switchover', 'failover', 'failback', 'pause', 'resume'] as const
const UPSTREAM_COMMANDS = ['drain', 'disable', 'enable'] as const
type Name = (typeof POOL_COMMANDS)[number] | (typeof UPSTREAM_COMMANDS)[number]

export function commandRoutes(app: FastifyInstance, options: AdminOptions): void {
  const route = (path: string, name: Name) =>
    app.post<Route>(`${path}/${name}`, { schema: SCHEMAS[name] }, async ({ params, body, ip }) =>
      carryOut(options, params.pool, toCommand(name, body, params.upstream ?? ''), originOf(body, ip)),
    )
  for (const name of POOL_COMMANDS) route('/pools/:pool', name)
  for (const name of UPSTREAM_COMMANDS) route('/pools/:pool/upstreams/:upstream', name)
  app.post('/reload', { schema: SCHEMAS.reload }, async () => {
    throw new ApiError('reload_not_available', 'This version reads its configuration at the start only.')
  })
}

function carryOut(options: AdminOptions, name: string, command: Command, origin: Origin) {
  const pool = findPool(options, name)
  const reply = pool.command(command, origin)
  if (!reply.ok) throw new ApiError(reply.code, reply.message, reply.hint)
  return { changed: reply.changed, ...poolView(snapshot(options, pool)) }
}

function toCommand(name: Name, body: Body, upstream: string): Command {
  switch (name) {
    case 'switchover':
      return { name, to: body.to === undefined ? null : upstreamId(body.to) }
    case 'failover':
      return { name, force: body.force ?? false }
    case 'failback':
    case 'pause':
    case 'resume':
      return { name }
    case 'drain':
    case 'disable':
    case 'enable':
      return { name, upstream: upstreamId(upstream), force: body.force ?? false }
  }
}

/** A Unix socket has no address. */
const originOf = ({ by, why }: Body, ip: FastifyRequest['ip'] | undefined): Origin => ({
  by: by || `admin API from ${ip || 'a local socket'}`,
  why: why ?? '',
})
