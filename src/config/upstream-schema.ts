/** Names, and the upstreams of a pool: how they are written and which of them is the primary. */
import { z } from 'zod'
import { isEncrypted, upstreamUrl } from './addresses.ts'
import { count, durationOrTtl, flag, text } from './units.ts'

/** How often a name is looked up unless somebody says otherwise. */
export const USUAL_LOOKUP = '10s'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
export const NAME_EXPECTED =
  'expected a name: a letter or digit first, then letters, digits, `_`, `.` or `-`, at most 63 characters'

export const name = () =>
  z.string({ error: NAME_EXPECTED }).regex(NAME, { error: NAME_EXPECTED }).meta({ title: 'name' })

export const exampleUpstreams = [
  { name: 'blue', url: 'http://10.0.0.1:3000' },
  { name: 'green', url: 'http://10.0.0.2:3000' },
]

const upstreamTls = z
  .strictObject({
    verify: flag()
      .prefault(true)
      .describe('Check the certificate of the upstream. Turning it off is reported at every start.'),
    ca: text()
      .exactOptional()
      .describe('PEM file with the authorities to trust instead of those that come with Node.')
      .meta({ example: 'ca.pem' }),
    serverName: text()
      .exactOptional()
      .describe('Name to ask for (SNI) and to expect in the certificate.')
      .meta({ defaultNote: 'the host of `url`', example: 'app.internal' }),
    cert: text()
      .exactOptional()
      .describe('PEM file with the certificate to show to the upstream (mutual TLS).')
      .meta({ example: 'client.pem' }),
    key: text()
      .exactOptional()
      .describe('PEM file with its private key.')
      .meta({ defaultNote: 'none; required with `cert`', example: 'client-key.pem' }),
  })
  .describe('TLS toward an upstream of `https://`, `h2://` or `tls://`.')

const upstream = z
  .strictObject({
    name: name().describe('How logs, metrics and commands call this upstream.').meta({ example: 'blue' }),
    url: upstreamUrl()
      .describe(
        'Where it answers, without a path. HTTP: `http://`, `https://`, `h2://` and `h2c://` (HTTP/2 with and without TLS), `unix:/path`. TCP: `tcp://`, `tls://` (TLS toward the upstream), `unix:/path`.',
      )
      .meta({ example: 'http://10.0.0.1:3000' }),
    role: z
      .enum(['primary', 'standby'])
      .exactOptional()
      .describe('What is preferred while both are fit.')
      .meta({ defaultNote: '`primary` for the first, `standby` for the rest' }),
    resolve: durationOrTtl({ min: 1_000, max: 3_600_000 })
      .prefault(USUAL_LOOKUP)
      .describe(
        'How often a name in `url` is looked up again, in the background, as the system does it. `ttl`: the name servers are asked, each time that what they said has expired (1 s to 5 min); give the whole name then, search domains and /etc/hosts do not count.',
      ),
    tls: upstreamTls.exactOptional(),
    proxyProtocol: z
      .enum(['off', 'v1', 'v2'])
      .prefault('off')
      .describe('PROXY header that tells the upstream who the client is. For listeners of `protocol: tcp` only.'),
    maxConnections: count({ min: 1 })
      .exactOptional()
      .describe(
        'Connections to it at a time, idle ones and tunnels included; with HTTP/2 too they are connections, not requests. What finds none free waits, within `hold`. Probes and drills have connections of their own: leave room for them.',
      )
      .meta({ defaultNote: 'no limit; HTTP/2: 100', example: 200 }),
  })
  .meta({
    example: exampleUpstreams[0],
    samples: [
      { name: 'blue', url: 'http://10.0.0.1:3000', role: 'primary', maxConnections: 200 },
      { name: 'blue', url: 'tcp://10.0.0.1:5432', role: 'primary', proxyProtocol: 'v2', maxConnections: 90 },
    ],
  })

/** The first is the primary unless somebody says otherwise. None or two primaries are left for `pool-relations.ts` to report. */
function assignRoles(upstreams: readonly z.output<typeof upstream>[]) {
  const chosen = upstreams.some(({ role }) => role === 'primary')
  return upstreams.map(({ tls, role, ...rest }, index) => {
    const security = tls ?? (isEncrypted(rest.url) ? { verify: true } : undefined)
    return {
      ...rest,
      role: role ?? (index === 0 && !chosen ? ('primary' as const) : ('standby' as const)),
      ...(security !== undefined && { tls: security }),
    }
  })
}

export const upstreams = z
  .array(upstream, { error: 'expected a list of upstreams, one `- { name: …, url: … }` a line' })
  .describe('Required. The servers: the first is the primary, the rest are standbys in order of preference.')
  .meta({ example: exampleUpstreams })
  .transform(assignRoles)
