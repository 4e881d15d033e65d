/** Everything that changes something: one POST a command, each recorded with who asked and why. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Origin } from '../core/events.ts'
import type { CommandName } from './commands.ts'
import { carryOut, POOL_COMMANDS, toCommand, UPSTREAM_COMMANDS } from './commands.ts'
import { drillRoute } from './drill-route.ts'
import { ApiError } from './errors.ts'
import type { AdminOptions } from './options.ts'
import { findPool } from './pool-access.ts'
import { SCHEMAS } from './schemas.ts'

type Body = Readonly<{ to?: string; force?: boolean; why?: string; by?: string }>
type Params = Readonly<{ pool: string; upstream?: string }>
type Route = { Params: Params; Body: Body }

export function commandRoutes(app: FastifyInstance, options: AdminOptions): void {
  const route = (path: string, name: CommandName) =>
    app.post<Route>(`${path}/${name}`, { schema: SCHEMAS[name] }, async ({ params, body, ip }) => {
      const command = toCommand(name, { ...body, upstream: params.upstream ?? '' })
      const origin = originOf(body, ip)
      await findPool(options, params.pool).prepare(command, origin)
      return carryOut(options, params.pool, command, origin)
    })
  for (const name of POOL_COMMANDS) route('/pools/:pool', name)
  for (const name of UPSTREAM_COMMANDS) route('/pools/:pool/upstreams/:upstream', name)
  drillRoute(app, options)
  app.post('/reload', { schema: SCHEMAS.reload }, async () => {
    throw new ApiError('reload_not_available', 'This version reads its configuration at the start only.')
  })
}

/** A Unix socket has no address. */
const originOf = ({ by, why }: Body, ip: FastifyRequest['ip'] | undefined): Origin => ({
  by: by || `admin API from ${ip || 'a local socket'}`,
  why: why ?? '',
})
