/** The check of a pool: its keys, which kind of check they belong to, their defaults and what they mean. */
import { z } from 'zod'
import { argv, count, duration, type StatusRange, statuses, text } from './units.ts'

const MINUTE = 60_000

const ANY_LIFE: readonly StatusRange[] = [{ from: 100, to: 499 }]
const SUCCESS: readonly StatusRange[] = [{ from: 200, to: 399 }]
const USER = 'understudy'
const HELLO = 'understudy'

const PATH_EXPECTED = 'expected a path that starts with /, such as /health'
const SERVICE_EXPECTED = 'expected the full name of a service, such as shop.v1.Orders'
const HELLO_EXPECTED = 'expected the name of a host, such as probe.example.com'
const IDENTIFIER_EXPECTED = 'expected a name of at most 63 characters (put numbers in quotes)'

const TYPES = ['http', 'tcp', 'tls', 'grpc', 'postgres', 'redis', 'mysql', 'smtp', 'exec'] as const
export type ProbeType = (typeof TYPES)[number]

/** No control characters: they would end the name in the protocol of the database. */
const identifier = () =>
  z
    .string({ error: IDENTIFIER_EXPECTED })
    .regex(/^[^\x00-\x1f\x7f]{1,63}$/, { error: IDENTIFIER_EXPECTED })
    .meta({ title: 'text' })

const ofOneType = {
  path: z
    .string({ error: PATH_EXPECTED })
    .regex(/^\/[\x21\x22\x24-\x7e]*$/, { error: PATH_EXPECTED })
    .exactOptional()
    .describe('`http` only: what to GET.')
    .meta({ title: 'path', example: '/health', defaultNote: '`/`' }),
  expect: statuses()
    .exactOptional()
    .describe('`http` only: the status codes of a healthy upstream.')
    .meta({ defaultNote: '`100-499` without `path`, `200-399` with one', example: '200-399,404' }),
  body: text().exactOptional().describe('`http` only: text that must occur in the answer.').meta({ example: 'ok' }),
  send: text()
    .exactOptional()
    .describe('`tcp` and `tls` only: text to send. In double quotes YAML knows `\\r`, `\\n` and `\\x00`.')
    .meta({ writeOnly: true, example: 'VERSION\r\n' }),
  receive: text()
    .exactOptional()
    .describe('`tcp` and `tls` only: text that must occur in the answer.')
    .meta({ example: 'VERSION' }),
  service: z
    .string({ error: SERVICE_EXPECTED })
    .regex(/^[A-Za-z0-9_./-]*$/, { error: SERVICE_EXPECTED })
    .exactOptional()
    .describe('`grpc` only: the service whose health is asked for (`grpc.health.v1`).')
    .meta({ title: 'text', defaultNote: 'the server as a whole', example: 'shop.v1.Orders' }),
  role: z
    .enum(['any', 'primary'])
    .exactOptional()
    .describe('`redis` only: `primary` fails on a replica, which takes no writes.')
    .meta({ defaultNote: '`any`', example: 'primary' }),
  user: identifier()
    .exactOptional()
    .describe('`postgres` and `mysql` only: the user to log in as. No password is sent; to be refused proves life too.')
    .meta({ defaultNote: `\`${USER}\``, example: USER }),
  database: identifier()
    .exactOptional()
    .describe('`postgres` only: the database of that session.')
    .meta({ defaultNote: 'called like `user`', example: 'orders' }),
  hello: z
    .string({ error: HELLO_EXPECTED })
    .regex(/^[!-~]{1,255}$/, { error: HELLO_EXPECTED })
    .exactOptional()
    .describe('`smtp` only: the name to say in EHLO.')
    .meta({ title: 'text', defaultNote: `\`${HELLO}\``, example: 'probe.example.com' }),
  command: argv('/usr/local/bin/check')
    .exactOptional()
    .describe(
      '`exec` only, and required there: it passes with exit code 0. No shell is involved. Its environment is `PATH`, `UNDERSTUDY_UPSTREAM` (the name), `UNDERSTUDY_HOST` (for `unix:` the path of the socket) and `UNDERSTUDY_PORT`. Exit code 2 says that the upstream is about to leave.',
    ),
}

type TypedKey = keyof typeof ofOneType

/** What each kind of check understands beside the schedule. */
export const PROBE_KEYS: Readonly<Record<ProbeType, readonly TypedKey[]>> = {
  http: ['path', 'expect', 'body'],
  tcp: ['send', 'receive'],
  tls: ['send', 'receive'],
  grpc: ['service'],
  postgres: ['user', 'database'],
  redis: ['role'],
  mysql: ['user'],
  smtp: ['hello'],
  exec: ['command'],
}

export const probe = z
  .strictObject({
    type: z
      .enum(TYPES)
      .exactOptional()
      .describe(
        'What a check does: `http` a GET in HTTP/1.1, `tcp` a connect, `tls` a handshake, `exec` runs a program, the others ask in the protocol of that name.',
      )
      .meta({
        defaultNote:
          'for `http://` and `https://` `http`, for `h2://` and `tls://` `tls`, for `h2c://` and `tcp://` `tcp`',
        example: 'http',
      }),
    ...ofOneType,
    interval: duration({ min: 50, max: 10 * MINUTE })
      .prefault('500ms')
      .describe('Time from one check to the next.'),
    timeout: duration({ min: 10, max: MINUTE })
      .prefault('250ms')
      .describe('How long an answer may take. Less than `interval`.'),
    healthy: count({ min: 1, max: 100 }).prefault(2).describe('Passed checks in a row that make an upstream healthy.'),
    unhealthy: count({ min: 1, max: 100 }).prefault(2).describe('Failed checks in a row that make it unhealthy.'),
  })
  .describe(
    'The check that is sent to every upstream, in use or not. What a gRPC server should have is `type: grpc`. By default `unix:` upstreams are checked like those of the same listener: with a GET, or with a connect.',
  )
  .meta({
    samples: [
      { type: 'http', path: '/health', interval: '500ms', timeout: '250ms', healthy: 2, unhealthy: 2 },
      { type: 'tcp', send: 'VERSION\r\n', receive: 'VERSION' },
      { type: 'grpc', service: 'shop.v1.Orders' },
      { type: 'postgres', database: 'orders' },
      { type: 'redis', role: 'primary' },
      { type: 'smtp', hello: 'probe.example.com' },
      { type: 'exec', command: ['/usr/local/bin/check', '--fast'], interval: '5s', timeout: '2s' },
    ],
  })
  .prefault({})

export type WrittenProbe = z.output<typeof probe>
type Schedule = Pick<WrittenProbe, 'interval' | 'timeout' | 'healthy' | 'unhealthy'>

export type ResolvedProbe = Schedule &
  (
    | { type: 'http'; path: string; expect: readonly StatusRange[]; body?: string }
    | { type: 'tcp' | 'tls'; send?: string; receive?: string }
    | { type: 'grpc'; service: string }
    | { type: 'postgres'; user: string; database: string }
    | { type: 'redis'; role: 'any' | 'primary' }
    | { type: 'mysql'; user: string }
    | { type: 'smtp'; hello: string }
    | { type: 'exec'; command: readonly string[] }
  )

/** Keys of another kind of check are dropped here; `probe-relations.ts` refuses them. */
export function resolveProbe(written: WrittenProbe, type: ProbeType): ResolvedProbe {
  const { interval, timeout, healthy, unhealthy, path, body, send, receive, user = USER } = written
  const schedule = { interval, timeout, healthy, unhealthy }
  switch (type) {
    case 'http': {
      const expect = written.expect ?? (path === undefined ? ANY_LIFE : SUCCESS)
      return { ...schedule, type, path: path ?? '/', expect, ...(body !== undefined && { body }) }
    }
    case 'tcp':
    case 'tls':
      return { ...schedule, type, ...(send !== undefined && { send }), ...(receive !== undefined && { receive }) }
    case 'grpc':
      return { ...schedule, type, service: written.service ?? '' }
    case 'postgres':
      return { ...schedule, type, user, database: written.database ?? user }
    case 'redis':
      return { ...schedule, type, role: written.role ?? 'any' }
    case 'mysql':
      return { ...schedule, type, user }
    case 'smtp':
      return { ...schedule, type, hello: written.hello ?? HELLO }
    case 'exec':
      return { ...schedule, type, command: written.command ?? [] }
  }
}
