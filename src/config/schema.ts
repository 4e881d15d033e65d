/**
 * The configuration file: the one source of its types, its validation, its reference page and the schema for editors.
 * A key lives here once, with default and meaning. What only makes sense between keys is in `relations.ts`.
 */
import { z } from 'zod'
import { listenAddress, network } from './addresses.ts'
import { examplePool, pool } from './pool-schema.ts'
import { count, duration, size, text } from './units.ts'
import { NAME_EXPECTED, name } from './upstream-schema.ts'

const MINUTE = 60_000

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

const listenerTls = z
  .strictObject({
    cert: text().describe('PEM file with the certificate chain.').meta({ example: 'cert.pem' }),
    key: text().describe('PEM file with the private key.').meta({ example: 'key.pem' }),
  })
  .describe('Not in this version: TLS from clients.')

const limits = z
  .strictObject({
    connections: count({ min: 1 }).prefault(10_000).describe('Client connections at the same time.'),
    headerBytes: size({ min: 1_024, max: 1_048_576 })
      .prefault('16KiB')
      .describe('Request line and header fields together.'),
    headerTimeout: duration({ max: 10 * MINUTE })
      .prefault('10s')
      .describe('For a request head to arrive completely.'),
    idleTimeout: duration().prefault('60s').describe('Silence after which an idle client connection is closed.'),
  })
  .describe('Bounds on what clients may use.')
  .prefault({})

const exampleListener = { protocol: 'http', listen: '0.0.0.0:8080', pool: 'shop' }

const listener = z
  .strictObject({
    protocol: z.enum(['http', 'tcp']).prefault('http').describe('What clients speak. This version has `http`.'),
    listen: listenAddress()
      .describe('`host:port`, `"[v6]:port"`, `:port` (every address) or `unix:/path`.')
      .meta({ example: '0.0.0.0:8080' }),
    pool: name().describe('The pool that serves it.').meta({ example: 'shop' }),
    tls: listenerTls.exactOptional(),
    proxyProtocol: z
      .enum(['off', 'v1', 'v2', 'either'])
      .prefault('off')
      .describe('PROXY protocol expected from clients. This version has `off`.'),
    trustedProxies: z
      .array(network().meta({ example: '10.0.0.0/8' }), {
        error: 'expected a list of IP addresses or networks, such as [10.0.0.0/8]',
      })
      .prefault([])
      .describe('Peers whose `X-Forwarded-*` and `Forwarded` fields are believed. From anyone else they are replaced.')
      .meta({ title: 'list of IP addresses and CIDRs', example: ['10.0.0.0/8', '::1'] }),
    limits,
  })
  .meta({ example: exampleListener })

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
  .transform(({ $schema: _, ...config }) => config)

type Immutable<T> = T extends object ? { readonly [Key in keyof T]: Immutable<T[Key]> } : T

/** Fully resolved: durations in ms, sizes in bytes, shares as 0..1, addresses and URLs taken apart, every default filled in. */
export type Config = Immutable<z.output<typeof configSchema>>
export type ListenerConfig = Config['listeners'][string]
export type PoolConfig = Config['pools'][string]
export type UpstreamConfig = PoolConfig['upstreams'][number]
export type ProbeConfig = PoolConfig['probe']
export type { ListenAddress, Network, UpstreamUrl } from './addresses.ts'
export type { StatusRange } from './units.ts'
