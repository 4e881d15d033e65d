/**
 * The configuration file: the one source of its types, its validation, its reference page and the schema for editors.
 * A key lives once, here or in the schema of its part, with default and meaning. Defaults that depend on other parts are
 * in `resolve.ts`, and what only makes sense between keys in `relations.ts`.
 */
import { z } from 'zod'
import { listenAddress } from './addresses.ts'
import { exampleListener, listener } from './listener-schema.ts'
import { examplePool, pool } from './pool-schema.ts'
import { resolveListeners, resolvePools } from './resolve.ts'
import { count, text } from './units.ts'
import { NAME_EXPECTED, name } from './upstream-schema.ts'

export const SCHEMA_ID = 'urn:understudy-proxy:configuration'

/** Visible ASCII: it travels in an Authorization header. The message never shows the value. */
const token = z
  .string({ error: 'expected text (put numbers in quotes)' })
  .regex(/^[\x21-\x7e]{16,512}$/, {
    error: 'expected at least 16 characters, without spaces. Try: openssl rand -hex 16',
  })
  .meta({ title: 'text, at least 16 characters', writeOnly: true, example: `\${UNDERSTUDY_TOKEN}` })

const admin = z
  .strictObject({
    listen: listenAddress().prefault('127.0.0.1:9900').describe('Where the admin API and the metrics answer.'),
    token: token.exactOptional().describe('Bearer token. Required when `listen` is not a loopback address.'),
  })
  .describe('The admin API.')
  .prefault({})

const state = z
  .strictObject({
    dir: text()
      .prefault('.understudy')
      .describe('Folder for the last decision and the journal, from the working directory.'),
  })
  .describe('What survives a restart.')
  .prefault({})

const log = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .prefault('info')
      .describe('The least important messages to write.'),
    access: z
      .enum(['off', 'sampled', 'all'])
      .prefault('sampled')
      .describe('Lines for requests. `sampled`: every failed or rescued one, and some of the others.'),
  })
  .describe('The log, JSON lines on standard output.')
  .prefault({})

const MOST_WORKERS = 64
const WORKERS_EXPECTED = `expected a whole number from 1 to ${MOST_WORKERS}, or auto`

const workers = z
  .union([z.literal('auto'), count({ min: 1, max: MOST_WORKERS })], { error: WORKERS_EXPECTED })
  .prefault(1)
  .describe(
    'Threads that carry traffic. `auto`: one for each processor. One is enough for most, and 1 needs no other thread.',
  )
  .meta({ title: `\`auto\` or number from 1 to ${MOST_WORKERS}`, example: 'auto' })

const alert = z
  .strictObject({
    url: text().describe('Where to POST.').meta({ writeOnly: true, example: 'https://alerts.example/hook' }),
    on: z
      .array(z.enum(['failover', 'failback', 'standby-unfit', 'no-upstream']), {
        error: 'expected a list of happenings',
      })
      .describe('What to report.')
      .meta({ title: 'list', example: ['failover', 'no-upstream'] }),
  })
  .meta({ example: { url: 'https://alerts.example/hook', on: ['failover'] } })

const named = <T extends z.ZodType>(entry: T) =>
  z.record(name(), entry, { error: (issue) => (issue.code === 'invalid_key' ? NAME_EXPECTED : undefined) })

export const configSchema = z
  .strictObject({
    $schema: text().exactOptional().describe('For editors: where the schema of a JSON file is. It has no effect here.'),
    admin,
    state,
    log,
    workers,
    listeners: named(listener)
      .describe('Where clients connect, by name.')
      .meta({ example: { web: exampleListener } }),
    pools: named(pool)
      .describe('The upstreams that stand in for each other, by name.')
      .meta({
        example: { shop: examplePool },
      }),
    alerts: z
      .array(alert, { error: 'expected a list of alerts' })
      .prefault([])
      .describe('Not in this version: where to report what happened.')
      .meta({ title: 'list' }),
  })
  .meta({
    title: 'Understudy configuration',
    description: 'Configuration of the Understudy reverse proxy.',
  })

/** As in the file, with the defaults that depend on nothing else. */
export type WrittenConfig = z.output<typeof configSchema>

/** Fills in the defaults that depend on other parts of the file. */
export const resolve = ({ $schema: _, ...written }: WrittenConfig) => ({
  ...written,
  listeners: resolveListeners(written.listeners),
  pools: resolvePools(written.pools, written.listeners),
})

type Immutable<T> = T extends object ? { readonly [Key in keyof T]: Immutable<T[Key]> } : T

/** Fully resolved: durations in ms, sizes in bytes, shares as 0..1, addresses and URLs taken apart, every default filled in. */
export type Config = Immutable<ReturnType<typeof resolve>>
export type ListenerConfig = Config['listeners'][string]
export type HttpListenerConfig = Extract<ListenerConfig, { protocol: 'http' }>
export type TcpListenerConfig = Extract<ListenerConfig, { protocol: 'tcp' }>
/** A pool as a program writes it. */
export type PoolInput = Immutable<z.input<typeof configSchema>['pools'][string]>
export type PoolConfig = Config['pools'][string]
export type UpstreamConfig = PoolConfig['upstreams'][number]
export type ProbeConfig = PoolConfig['probe']
export type { ListenAddress, Network, UpstreamUrl } from './addresses.ts'
export type { StatusRange } from './units.ts'
