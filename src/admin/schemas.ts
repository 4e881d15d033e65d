/** JSON schemas: they validate what comes in, and are the OpenAPI description of what goes out. */
import { ERRORS } from './errors.ts'
import { drillOrder, drillReport, grounds } from './report-schemas.ts'
import type { Schema } from './schema-parts.ts'
import { flag, instant, list, object, orNull, ref, text, whole } from './schema-parts.ts'

const failback = object({
  mode: { type: 'string', enum: ['automatic', 'manual', 'never'] },
  due: flag,
  to: orNull(text),
  at: orNull(instant),
  why: text,
})

const upstream = object({
  name: text,
  role: { type: 'string', enum: ['primary', 'standby'] },
  active: flag,
  state: text,
  why: { type: 'string', description: 'Why it is active, or why it is not.' },
  since: instant,
  for: { type: 'string', example: '3m 12s' },
  url: orNull(text),
  health: object({ status: text, since: instant, detail: text, lastProbe: orNull(instant) }),
  ejection: orNull(object({ rule: text, detail: text, since: instant, until: instant, strikes: whole })),
  admin: { type: 'string', enum: ['enabled', 'draining', 'disabled'] },
  inFlight: whole,
  tunnels: whole,
  connections: object({ open: whole, max: orNull(whole) }),
  lastOutcome: orNull(object({ at: instant, what: text })),
})

const summary = {
  pool: text,
  phase: { type: 'string', enum: ['serving', 'switching', 'unavailable'] },
  active: orNull(text),
  since: instant,
  for: text,
  epoch: { type: 'integer', description: 'Grows at every change of active.' },
  automation: { type: 'string', enum: ['on', 'paused'] },
  summary: text,
  reason: text,
} as const

const pool = { ...summary, kind: text, held: whole, upstreams: list(ref('Upstream')) }
const notice = { ...object({ id: whole, at: instant, type: text, pool: text, text }), additionalProperties: true }

const decision = object({
  cause: text,
  at: instant,
  from: orNull(text),
  to: orNull(text),
  reason: text,
  by: text,
  pinned: flag,
})

/** Added to Fastify once; everything else refers to them. */
export const SHARED: readonly Schema[] = [
  { $id: 'Upstream', ...upstream },
  { $id: 'PoolSummary', ...object(summary) },
  { $id: 'Pool', ...object(pool) },
  { $id: 'CommandAnswer', ...object({ changed: flag, ...pool }) },
  { $id: 'Notice', ...notice },
  {
    $id: 'Explanation',
    ...object({
      pool: text,
      summary: text,
      decision,
      epoch: whole,
      evidence: {
        ...orNull(grounds),
        description:
          'What the last decision rested on, from before a restart too: the last 10 probes and failed attempts.',
      },
      trouble: { ...orNull(grounds), description: 'What went wrong since, and changed nothing.' },
      attention: orNull(object({ unfit: text, keptBecause: text })),
      damping: object({ points: whole, failbackSuppressed: flag, until: orNull(instant) }),
      failback,
      failover: text,
      observed: orNull(object({ active: orNull(text), since: instant, reason: text })),
      upstreams: list(object({ name: text, state: text, why: text, since: instant })),
      notices: list(ref('Notice')),
    }),
  },
  { $id: 'DrillReport', ...drillReport },
  {
    $id: 'Error',
    ...object({ code: { type: 'string', enum: Object.keys(ERRORS) }, message: text, hint: text }),
    required: ['code', 'message', 'hint'],
  },
]

const answer = (name: string, description: string, status = 200): Schema => ({
  [status]: { description, ...ref(name) },
  default: { description: 'What went wrong, and what to do.', ...ref('Error') },
})

const wrapped = (key: string, name: string, description: string): Schema => ({
  ...answer('Error', ''),
  200: { description, ...object({ [key]: list(ref(name)) }) },
})

const poolParam = { type: 'object', properties: { pool: text }, required: ['pool'] }
const upstreamParam = { type: 'object', properties: { pool: text, upstream: text }, required: ['pool', 'upstream'] }

/** Control characters would let a caller write into somebody's terminal. */
const words: Schema = { type: 'string', maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' }
const origin = {
  why: { ...words, description: 'Recorded with the command.' },
  by: { ...words, description: 'Who asks. Without it: the address the request came from.' },
}

const body = (extra: Record<string, Schema> = {}): Schema => ({
  type: 'object',
  properties: { ...extra, ...origin },
  additionalProperties: false,
})

const READ = { tags: ['state'] }
const COMMAND = { tags: ['commands'], response: answer('CommandAnswer', 'The resulting state.') }
const force = { type: 'boolean', default: false }

export const SCHEMAS = {
  index: { hide: true },
  upstreams: {
    ...READ,
    summary: 'Who is active, why the others are not, since when',
    response: wrapped('pools', 'Pool', 'All pools.'),
  },
  pools: { ...READ, summary: 'The pools, in a line each', response: wrapped('pools', 'PoolSummary', 'All pools.') },
  pool: { ...READ, summary: 'One pool', params: poolParam, response: answer('Pool', 'The pool.') },
  explain: {
    ...READ,
    summary: 'Why the active is the active, and what would change that',
    params: poolParam,
    response: answer('Explanation', 'The last decision and what it rests on.'),
  },
  events: {
    ...READ,
    summary: 'What happened, oldest first',
    querystring: {
      type: 'object',
      properties: {
        since: { type: 'string', pattern: '^\\d{1,15}$', description: 'Only events after this id.' },
        pool: text,
        limit: {
          type: 'string',
          pattern: '^[1-9]\\d{0,3}$',
          description: 'At most so many (default 100): the first ones after `since`, else the latest.',
        },
      },
      additionalProperties: false,
    },
    response: {
      ...wrapped('events', 'Notice', ''),
      200: {
        description: 'The events, and the id of the latest.',
        ...object({ last: whole, events: list(ref('Notice')) }),
      },
    },
  },
  config: { ...READ, summary: 'The configuration in force, without secrets' },
  metrics: { ...READ, summary: 'Metrics, for Prometheus', produces: ['text/plain'] },
  healthz: { ...READ, summary: 'Whether the process lives (needs no token)' },
  readyz: { ...READ, summary: 'Whether traffic can be served: 200 or 503' },
  reload: {
    tags: ['commands'],
    summary: 'Not in this version: always 501',
    response: answer('Error', 'Not available.', 501),
  },
  switchover: {
    ...COMMAND,
    summary: 'Make another fit upstream the active',
    params: poolParam,
    body: body({ to: { type: 'string', description: 'Without it: the most preferred fit one.' } }),
  },
  failover: {
    ...COMMAND,
    summary: 'Leave the primary; with force even while it is fit',
    params: poolParam,
    body: body({ force }),
  },
  failback: { ...COMMAND, summary: 'Return to the most preferred upstream', params: poolParam, body: body() },
  pause: { ...COMMAND, summary: 'The active changes by command only', params: poolParam, body: body() },
  resume: { ...COMMAND, summary: 'The active may change by itself again', params: poolParam, body: body() },
  drain: {
    ...COMMAND,
    summary: 'No new work for an upstream; what is in flight finishes',
    params: upstreamParam,
    body: body({ force }),
  },
  disable: {
    ...COMMAND,
    summary: 'Take an upstream out and close its connections',
    params: upstreamParam,
    body: body({ force }),
  },
  drill: {
    tags: ['commands'],
    summary: 'Rehearse a failover: test a standby with probes and GET requests; changes nothing',
    params: poolParam,
    body: drillOrder,
    response: answer('DrillReport', 'What the drill has shown.'),
  },
  enable: { ...COMMAND, summary: 'Let an upstream serve again', params: upstreamParam, body: body() },
} as const
