/** Schemas of the long answers: what a decision rested on, and what a drill has shown. */
import { instant, list, object, orNull, text, whole } from './schema-parts.ts'

export const grounds = object({
  type: text,
  at: instant,
  ago: { type: 'string', example: '3m 12s' },
  text,
  by: text,
  rule: { ...orNull(text), description: 'The rule that decided: crash, hang, errors, gray, health or operator.' },
  figures: {
    type: 'object',
    description: 'What the rule measured. A name that ends in Ms counts milliseconds.',
    additionalProperties: { type: 'number' },
  },
  upstreams: list(
    object({
      name: text,
      inFlight: whole,
      probes: list(object({ at: instant, verdict: text, detail: text, latency: { type: 'number' } })),
      failedAttempts: list(object({ at: instant, request: text, what: text, latency: orNull({ type: 'number' }) })),
    }),
  ),
})

const drillSide = object({
  upstream: text,
  sent: whole,
  failed: whole,
  statuses: { type: 'object', description: 'How often each status.', additionalProperties: whole },
  p50: orNull({ type: 'number', description: 'ms to the head of an answer.' }),
  p99: orNull({ type: 'number' }),
})

export const drillReport = object({
  pool: text,
  upstream: text,
  verdict: { type: 'string', enum: ['ready', 'not-ready'] },
  reasons: { ...list(text), description: 'Why it is not ready.' },
  remarks: { ...list(text), description: 'What does not speak against it, and should be known.' },
  path: orNull(text),
  summary: drillSide,
  comparedWith: { ...orNull(drillSide), description: 'The active, asked the same at the same time.' },
  probes: list(object({ at: instant, verdict: text, detail: text, latency: { type: 'number' } })),
  requests: list(
    object({
      at: instant,
      status: orNull(whole),
      failure: orNull(text),
      latency: { type: 'number', description: 'ms to the head of the answer, or to the failure.' },
    }),
  ),
})

export const drillOrder = {
  type: 'object',
  properties: {
    upstream: { type: 'string', maxLength: 200, description: 'Without it: whoever would take over.' },
    requests: { type: 'integer', minimum: 1, maximum: 200, default: 20 },
    path: {
      type: 'string',
      maxLength: 2_000,
      pattern: '^/[\\x21\\x22\\x24-\\x7e]*$',
      description: 'What to GET. Without it: `/`.',
    },
  },
  additionalProperties: false,
} as const
