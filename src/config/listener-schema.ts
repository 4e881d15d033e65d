/** One listener of the configuration file: its keys, their defaults and what they mean. Relations: `listener-relations.ts`. */
import { z } from 'zod'
import { listenAddress, network } from './addresses.ts'
import { front } from './front-schema.ts'
import { count, duration, flag, size, text } from './units.ts'
import { name } from './upstream-schema.ts'

const MINUTE = 60_000
const SERVER_NAME_EXPECTED =
  'expected a server name in lower case, such as db.example.com, or *.example.com for every name right below it'

const certificate = {
  cert: text().describe('PEM file with the certificate chain.').meta({ example: 'cert.pem' }),
  key: text().describe('PEM file with the private key.').meta({ example: 'key.pem' }),
}

const clients = z
  .strictObject({
    ca: text()
      .describe('PEM file with the authorities whose client certificates are accepted.')
      .meta({ example: 'clients.pem' }),
    mode: z
      .enum(['ask', 'require'])
      .prefault('require')
      .describe('`require`: no connection without such a certificate. `ask`: a client may come without one.'),
    forward: flag()
      .prefault(false)
      .describe(
        '`protocol: http` only: send a verified certificate on as `Client-Cert` (RFC 9440), its subject as `Understudy-Client-Subject`.',
      ),
  })
  .describe('Certificates of clients (mutual TLS).')

const tls = z
  .strictObject({
    ...certificate,
    certificates: z
      .array(z.strictObject(certificate).meta({ example: { cert: 'shop.pem', key: 'shop-key.pem' } }), {
        error: 'expected a list of certificates, one `- { cert: …, key: … }` a line',
      })
      .prefault([])
      .describe('More certificates: a client gets the one with the name it asks for (SNI), else the one above.'),
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).prefault('TLSv1.2').describe('The oldest version to accept.'),
    clients: clients.exactOptional(),
  })
  .describe('TLS from clients ends here. Without it they speak plain text.')

const limits = z
  .strictObject({
    connections: count({ min: 1 }).prefault(10_000).describe('Client connections at the same time.'),
    connectionsPerAddress: count()
      .prefault(0)
      .describe('Of them from one address, that of the PROXY header if there is one. `0` is no limit.'),
    handshakes: count({ min: 1 })
      .prefault(1_000)
      .describe('Connections that are still in their TLS handshake, or at their PROXY header, at the same time.'),
    handshakeTimeout: duration({ max: 10 * MINUTE })
      .prefault('10s')
      .describe('For PROXY header, server name and TLS handshake together.'),
    streams: count({ min: 1, max: 10_000 })
      .prefault(100)
      .describe('Requests at the same time on one HTTP/2 connection.'),
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

/** RFC 6066 section 3: no address, no dot at the end. Names are compared in lower case. */
const serverName = z
  .string({ error: SERVER_NAME_EXPECTED })
  .max(255, { error: SERVER_NAME_EXPECTED })
  .regex(/^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?!\d+$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/, {
    error: SERVER_NAME_EXPECTED,
  })

const serverNames = z
  .record(serverName, name().meta({ example: 'orders' }), {
    error: ({ code }) => (code === 'invalid_key' ? SERVER_NAME_EXPECTED : undefined),
  })
  .meta({ title: 'server names, each with its pool', example: { 'db.example.com': 'orders', '*.example.com': 'rest' } })

const trustedProxies = z
  .array(network().meta({ example: '10.0.0.0/8' }), {
    error: 'expected a list of IP addresses or networks, such as [10.0.0.0/8]',
  })
  .prefault([])
  .meta({ title: 'list of IP addresses and CIDRs', example: ['10.0.0.0/8', '::1'] })

export const exampleListener = { protocol: 'http', listen: '0.0.0.0:8080', pool: 'shop' }

const SAMPLES = [
  { ...exampleListener, http2: 'auto', proxyProtocol: 'off', trustedProxies: ['10.0.0.0/8', '::1'] },
  { protocol: 'tcp', listen: '0.0.0.0:5432', pool: 'shop', serverNames: { 'db.example.com': 'orders' } },
]

export const listener = z
  .strictObject({
    protocol: z
      .enum(['http', 'tcp'])
      .prefault('http')
      .describe('What clients speak: `http`, or `tcp` for anything else over TCP.'),
    listen: listenAddress()
      .describe('`host:port`, `"[v6]:port"`, `:port` (every address) or `unix:/path`.')
      .meta({ example: '0.0.0.0:8080' }),
    pool: name()
      .describe('The pool that serves it, but for what `serverNames` or `front.routes` give to others.')
      .meta({ example: 'shop' }),
    tls: tls.exactOptional(),
    http2: z
      .enum(['auto', 'off', 'cleartext'])
      .exactOptional()
      .describe(
        '`protocol: http` only. `auto`: where TLS agrees on it (ALPN). `cleartext`: without TLS too, for clients that begin with it.',
      )
      .meta({ defaultNote: '`auto`', example: 'auto' }),
    serverNames: serverNames
      .exactOptional()
      .describe(
        '`protocol: tcp` only: other pools by the name that a client asks for in TLS (SNI). Without `tls` the connection passes through encrypted as it is.',
      ),
    proxyProtocol: z
      .enum(['off', 'v1', 'v2', 'either', 'optional'])
      .prefault('off')
      .describe(
        'PROXY header that every connection begins with, and that tells its client. `optional`: connections without one are accepted too.',
      ),
    trustedProxies: trustedProxies.describe(
      'Peers whose `X-Forwarded-*` and `Forwarded` fields are believed (from anyone else they are replaced), and who may send a PROXY header (with an empty list anyone).',
    ),
    limits,
    front: front.exactOptional(),
  })
  .meta({ example: exampleListener, samples: SAMPLES })

export type WrittenListener = z.output<typeof listener>
