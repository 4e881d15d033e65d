/** One pool of the configuration file: its keys, their defaults and what they mean. Relations between keys: `relations.ts`. */
import { z } from 'zod'
import { count, duration, flag, percent, type StatusRange, size, statuses, text } from './units.ts'
import { exampleUpstreams, upstreams } from './upstream-schema.ts'

const MINUTE = 60_000
const MIB = 1_048_576

const ANY_LIFE: readonly StatusRange[] = [{ from: 100, to: 499 }]
const SUCCESS: readonly StatusRange[] = [{ from: 200, to: 399 }]

const probe = z
  .strictObject({
    type: z
      .enum(['http', 'tcp', 'tls', 'grpc', 'postgres', 'redis', 'mysql', 'smtp', 'exec'])
      .prefault('http')
      .describe('What a check does. This version has `http` (a GET), `tcp` (a connect) and `tls` (a handshake).'),
    path: z
      .string({ error: 'expected a path that starts with /, such as /health' })
      .regex(/^\/[\x21\x22\x24-\x7e]*$/, { error: 'expected a path that starts with /, such as /health' })
      .meta({ title: 'path', example: '/health', defaultNote: '`/`' })
      .exactOptional()
      .describe('`http` only: what to GET.'),
    expect: statuses()
      .exactOptional()
      .describe('`http` only: the status codes of a healthy upstream.')
      .meta({ defaultNote: '`100-499` without `path`, `200-399` with one', example: '200-399,404' }),
    body: text().exactOptional().describe('`http` only: text that must occur in the answer.').meta({ example: 'ok' }),
    interval: duration({ min: 50, max: 10 * MINUTE })
      .prefault('500ms')
      .describe('Time from one check to the next.'),
    timeout: duration({ min: 10, max: MINUTE })
      .prefault('250ms')
      .describe('How long an answer may take. Less than `interval`.'),
    healthy: count({ min: 1, max: 100 }).prefault(2).describe('Passed checks in a row that make an upstream healthy.'),
    unhealthy: count({ min: 1, max: 100 }).prefault(2).describe('Failed checks in a row that make it unhealthy.'),
  })
  .describe('The check that is sent to every upstream, in use or not.')
  .transform(({ path, expect, ...rest }, context) => {
    const given = { path, expect, body: rest.body }
    for (const [key, value] of Object.entries(given)) {
      if (rest.type === 'http' || value === undefined) continue
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `only means something to a probe of type http, not ${rest.type}`,
      })
    }
    return { ...rest, path: path ?? '/', expect: expect ?? (path === undefined ? ANY_LIFE : SUCCESS) }
  })
  .prefault({})

const detect = z
  .strictObject({
    hangAfter: duration({ min: 250, max: 5_000 })
      .prefault('400ms')
      .describe('An upstream that says nothing for this long, to requests and to checks, is taken for hung.'),
    gray: z
      .enum(['switch', 'report', 'off'])
      .prefault('switch')
      .describe(
        'What to do when checks pass but requests stall on the active upstream only. Without effect in this version.',
      ),
    gateway5xx: count({ min: 1, max: 1_000 })
      .prefault(5)
      .describe('502, 503 or 504 answers in a row, on more than one path, that make an upstream unfit.'),
    successRate: percent()
      .prefault('50%')
      .describe(
        'Share of good answers in a second, of at least 20, below which an upstream is unfit. `0%` turns it off.',
      ),
  })
  .describe('How real traffic shows that the active upstream fails.')
  .prefault({})

const timeouts = z
  .strictObject({
    connect: duration({ max: MINUTE }).prefault('400ms').describe('To establish a connection.'),
    responseHead: duration().prefault('30s').describe('From the end of the request to the head of the response.'),
    request: duration()
      .prefault('60s')
      .describe('From the end of a request to the head of its answer, with replays and holding.'),
    upgradeIdle: duration()
      .prefault('10m')
      .describe('Silence after which an upgraded connection (WebSocket) is closed.'),
  })
  .describe('Deadlines toward the upstreams.')
  .prefault({})

const replay = z
  .strictObject({
    body: size({ max: 16 * MIB })
      .prefault('64KiB')
      .describe('Request body kept for a replay. A larger request is still served; it only cannot be replayed.'),
    idempotencyKey: flag()
      .prefault(false)
      .describe('Also replay unsafe requests that carry `Idempotency-Key`. Only if the application honours it.'),
    standbyReads: flag()
      .exactOptional()
      .describe(
        'Let the standby answer safe requests while the active upstream is suspected. Without effect in this version.',
      )
      .meta({ defaultNote: '`true`, with `kind: singleWriter` `false`', example: true }),
  })
  .describe('Sending a request again, elsewhere, when the first attempt failed.')

const hold = z
  .strictObject({
    requests: count()
      .prefault(1_000)
      .describe('Requests that may wait at the same time. Beyond it: 503 with `Retry-After`.'),
    bytes: size().prefault('16MiB').describe('Memory for the bodies of waiting requests.'),
    time: duration({ min: 0, max: MINUTE }).prefault('2s').describe('How long one request may wait.'),
  })
  .describe('Requests that wait while a switch is under way.')
  .prefault({})

const drain = z
  .strictObject({
    timeout: duration({ min: 0 })
      .prefault('30s')
      .describe('For requests in flight to finish on the former active upstream.'),
    upgrade: duration({ min: 0 }).prefault('5m').describe('The same for upgraded connections, on a planned switch.'),
    spread: duration({ min: 0, max: MINUTE })
      .prefault('2s')
      .describe('Long-lived connections are closed over this time, to spare the new active upstream.'),
  })
  .describe('What happens to work in flight on an upstream that is no longer active.')
  .prefault({})

const failover = z
  .strictObject({
    mode: z
      .enum(['automatic', 'manual'])
      .prefault('automatic')
      .describe('`manual`: detect and report, and leave the switch to an operator.'),
  })
  .describe('Leaving an active upstream that is unfit.')
  .prefault({})

const failback = z
  .strictObject({
    mode: z
      .enum(['automatic', 'manual', 'never'])
      .exactOptional()
      .describe('`never` also refuses the command.')
      .meta({ defaultNote: '`automatic`, with `kind: singleWriter` `manual`', example: 'automatic' }),
    after: duration({ min: 0 })
      .prefault('30s')
      .describe('How long the preferred upstream must have been fit without a break.'),
  })
  .describe('Returning to the preferred upstream.')

const command = (program: string) =>
  z
    .array(text().meta({ example: program }), {
      error: 'expected a list: the program, then its arguments. No shell is involved',
    })
    .min(1, { error: 'expected a program' })
    .meta({ title: 'list: program and arguments', example: [program, '--now'] })
    .exactOptional()

const hooks = z
  .strictObject({
    fence: command('/usr/local/bin/fence').describe('Makes sure the former active upstream cannot write any more.'),
    promote: command('/usr/local/bin/promote').describe('Makes the new active upstream the writer.'),
    timeout: duration({ max: 10 * MINUTE })
      .prefault('10s')
      .describe('For each command. One that takes longer has failed.'),
  })
  .describe('Programs to run during a switch, with `kind: singleWriter` only.')

export const examplePool = { upstreams: exampleUpstreams }

export const pool = z
  .strictObject({
    kind: z
      .enum(['stateless', 'singleWriter'])
      .prefault('stateless')
      .describe(
        '`singleWriter`: never two at once; the connections of the old one are closed before the new one gets its first byte.',
      ),
    upstreams,
    probe,
    detect,
    timeouts,
    replay: replay.prefault({}),
    hold,
    drain,
    failover,
    failback: failback.prefault({}),
    hooks: hooks.exactOptional(),
  })
  .meta({ example: examplePool })
  .transform((given) => {
    const stateless = given.kind === 'stateless'
    const mode = given.failback.mode ?? (stateless ? ('automatic' as const) : ('manual' as const))
    return {
      ...given,
      replay: { ...given.replay, standbyReads: given.replay.standbyReads ?? stateless },
      failback: { ...given.failback, mode },
    }
  })
