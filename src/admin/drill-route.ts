/** POST /pools/:pool/drill: work for an upstream, so not a GET, although it changes nothing. */
import type { FastifyInstance } from 'fastify'
import { isoTime } from '../runtime/clock.ts'
import type { DrillReport } from '../runtime/drill.ts'
import { ApiError } from './errors.ts'
import type { AdminOptions } from './options.ts'
import { findPool } from './pool-access.ts'
import { SCHEMAS } from './schemas.ts'
import { tenths } from './words.ts'

type Route = {
  Params: Readonly<{ pool: string }>
  Body: Readonly<{ upstream?: string; requests?: number; path?: string }>
}

/** Instants as people read them, latencies without the noise. */
export type DrillView = ReturnType<typeof drillView>

const REQUESTS = 20

export function drillRoute(app: FastifyInstance, options: AdminOptions): void {
  app.post<Route>('/pools/:pool/drill', { schema: SCHEMAS.drill }, async ({ params, body }) => {
    const { name } = findPool(options, params.pool)
    const drill = options.drills.get(name)
    if (!drill) throw new Error(`pool ${name} has no drill`)
    const { upstream = null, requests = REQUESTS, path = null } = body
    const answer = await drill.run({ upstream, requests, path })
    if (!answer.ok) throw new ApiError(answer.code, answer.message)
    return drillView(answer.report)
  })
}

function drillView({ probes, requests, ...report }: DrillReport) {
  const { pool, upstream, verdict, reasons, remarks, path, summary, comparedWith } = report
  const side = (of: typeof summary) => ({ ...of, p50: shown(of.p50), p99: shown(of.p99) })
  return {
    pool,
    upstream,
    verdict,
    reasons,
    remarks,
    path,
    summary: side(summary),
    comparedWith: comparedWith && side(comparedWith),
    probes: probes.map((probe) => ({ ...probe, at: isoTime(probe.at), latency: tenths(probe.latency) })),
    requests: requests.map((request) => ({ ...request, at: isoTime(request.at), latency: tenths(request.latency) })),
  }
}

const shown = (ms: number | null): number | null => (ms === null ? null : tenths(ms))
