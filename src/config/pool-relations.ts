/** What only makes sense between the keys of one pool. */
import { isEncrypted, isNamed } from './addresses.ts'
import { probeRelations } from './probe-relations.ts'
import type { Path } from './problems.ts'
import { error, type Relation, warning, when } from './relation.ts'
import { poolReferences } from './resolve.ts'
import type { PoolConfig, UpstreamConfig, WrittenConfig } from './schema.ts'
import { formatDuration, parseDuration } from './units.ts'
import { USUAL_LOOKUP } from './upstream-schema.ts'

type PoolRule = (pool: PoolConfig, path: Path) => readonly Relation[]

export function poolRelations(name: string, pool: PoolConfig, written: WrittenConfig): readonly Relation[] {
  const path = ['pools', name]
  const reference = poolReferences(written.listeners).find((each) => each.pool === name)
  // What decides which protocol the pool has.
  const reads: readonly Path[] = [
    ...inUpstreams(path, pool, 'url'),
    ...(reference === undefined ? [] : [reference.path, ['listeners', reference.listener, 'protocol']]),
  ]
  return [
    ...POOL_RULES.flatMap((rule) => rule(pool, path)),
    ...proxyHeaders(pool, path, reads),
    ...ramp(pool, path, reads),
    ...probeRelations({ pool, written: written.pools[name]?.probe ?? {}, path: [...path, 'probe'], reads }),
  ]
}

const inUpstreams = (path: Path, { upstreams }: PoolConfig, key: keyof UpstreamConfig): readonly Path[] =>
  upstreams.map((_, index) => [...path, 'upstreams', index, key])

const roles: PoolRule = (pool, path) => {
  const primaries = pool.upstreams.filter(({ role }) => role === 'primary').length
  const at = [...path, 'upstreams']
  const reads = inUpstreams(path, pool, 'role')
  if (pool.upstreams.length < 2) {
    return [error(at, 'needs a primary and at least one standby: two upstreams or more', reads)]
  }
  return [
    ...when(primaries === 0, () => error(at, 'has no primary; give one upstream `role: primary`', reads)),
    ...when(primaries > 1, () =>
      error(at, `has ${primaries} primaries; give exactly one upstream \`role: primary\``, reads),
    ),
  ]
}

const uniqueNames: PoolRule = ({ upstreams }, path) =>
  upstreams.flatMap(({ name }, index) => {
    const first = upstreams.findIndex((other) => other.name === name)
    const reads = [[...path, 'upstreams', first, 'name']]
    return when(first < index, () =>
      error([...path, 'upstreams', index, 'name'], `\`${name}\` is already taken in this pool`, reads),
    )
  })

const uniqueAddresses: PoolRule = ({ upstreams }, path) =>
  upstreams.flatMap(({ url }, index) => {
    const first = upstreams.findIndex(
      (other) => other.url.host === url.host && other.url.port === url.port && other.url.path === url.path,
    )
    const reads = [[...path, 'upstreams', first, 'url']]
    return when(first < index, () =>
      warning(
        [...path, 'upstreams', index, 'url'],
        `is the same server as \`${upstreams[first]?.name}\`: it would fail with it`,
        reads,
      ),
    )
  })

const lookups: PoolRule = ({ upstreams }, path) =>
  upstreams.flatMap(({ url, resolve }, index) =>
    when(resolve !== parseDuration(USUAL_LOOKUP) && !isNamed(url), () =>
      warning([...path, 'upstreams', index, 'resolve'], 'has no effect: `url` has an address, and no name to look up', [
        [...path, 'upstreams', index, 'url'],
      ]),
    ),
  )

const upstreamSecurity: PoolRule = ({ upstreams }, path) =>
  upstreams.flatMap(({ url, tls, name }, index) => {
    if (tls === undefined) return []
    const at = [...path, 'upstreams', index, 'tls']
    if (!isEncrypted(url)) {
      const reads = [[...path, 'upstreams', index, 'url']]
      return [error(at, 'needs a `url` that begins with https://, h2:// or tls://', reads)]
    }
    const half = tls.cert === undefined ? 'key' : 'cert'
    const lacking = half === 'cert' ? 'key' : 'cert'
    return [
      ...when((tls.cert === undefined) !== (tls.key === undefined), () =>
        error([...at, half], `needs \`${lacking}\` beside it: a certificate is shown with its private key`, [
          [...at, lacking],
        ]),
      ),
      ...when(tls.verify === false, () =>
        warning(
          [...at, 'verify'],
          `certificates of \`${name}\` are not checked: anyone in between can read and change traffic`,
        ),
      ),
    ]
  })

function proxyHeaders({ protocol, upstreams }: PoolConfig, path: Path, reads: readonly Path[]): readonly Relation[] {
  return upstreams.flatMap(({ url, proxyProtocol }, index) => {
    const tcp = url.protocol === 'unix' ? protocol === 'tcp' : url.protocol === 'tcp' || url.protocol === 'tls'
    return when(proxyProtocol !== 'off' && !tcp, () =>
      error(
        [...path, 'upstreams', index, 'proxyProtocol'],
        'is for listeners of `protocol: tcp`: HTTP connections to upstreams are shared between clients, whose addresses are in X-Forwarded-For',
        reads,
      ),
    )
  })
}

const connectionLimits: PoolRule = (pool, path) => {
  const primary = pool.upstreams.find(({ role }) => role === 'primary')
  const limit = primary?.maxConnections ?? Number.POSITIVE_INFINITY
  const reads = [...inUpstreams(path, pool, 'maxConnections'), ...inUpstreams(path, pool, 'role')]
  return pool.upstreams.flatMap(({ role, url, maxConnections }, index) => {
    if (maxConnections === undefined) return []
    const at = [...path, 'upstreams', index, 'maxConnections']
    const its = primary?.maxConnections === undefined ? 'which has no limit' : `${limit}`
    const shared = url.protocol === 'h2' || url.protocol === 'h2c'
    return [
      ...when(role === 'standby' && maxConnections < limit, () =>
        warning(
          at,
          `is ${maxConnections}, less than that of \`${primary?.name}\`, ${its}: after a failover more requests have to wait`,
          reads,
        ),
      ),
      ...when(shared && maxConnections === 1, () =>
        warning(
          at,
          'is 1: whenever the upstream replaces its connection (GOAWAY), requests wait for the last answer on it; allow 2 or more',
          [[...path, 'upstreams', index, 'url']],
        ),
      ),
    ]
  })
}

const deadlines: PoolRule = ({ timeouts, detect }, path) => {
  const at = [...path, 'timeouts']
  const { connect, responseHead, request } = timeouts
  return [
    ...when(connect >= request, () =>
      error(
        [...at, 'connect'],
        `is ${formatDuration(connect)}; must be less than \`request\`, ${formatDuration(request)}`,
        [[...at, 'request']],
      ),
    ),
    ...when(responseHead <= detect.hangAfter, () =>
      warning(
        [...at, 'responseHead'],
        `is not more than \`detect.hangAfter\`, ${formatDuration(detect.hangAfter)}: requests end before a hang is recognised`,
        [[...path, 'detect', 'hangAfter']],
      ),
    ),
  ]
}

function ramp({ kind, protocol, failback }: PoolConfig, path: Path, reads: readonly Path[]): readonly Relation[] {
  if (failback.ramp === 0) return []
  const at = [...path, 'failback', 'ramp']
  return [
    ...when(kind === 'singleWriter', () =>
      error(at, 'is for stateless pools: with `kind: singleWriter` two would serve at once', [[...path, 'kind']]),
    ),
    ...when(protocol === 'tcp', () =>
      error(at, 'is for HTTP: of a TCP session nobody knows whether it may be sent elsewhere', reads),
    ),
  ]
}

const hooks: PoolRule = ({ kind, hooks }, path) => {
  if (hooks === undefined) return []
  const at = [...path, 'hooks']
  const commands = [hooks.fence, hooks.promote].filter((command) => command !== undefined)
  return [
    ...when(kind !== 'singleWriter', () =>
      error(at, 'only run with `kind: singleWriter`; a stateless pool switches without them', [[...path, 'kind']]),
    ),
    ...when(commands.length === 0, () =>
      error(at, 'needs `fence`, `promote` or both', [
        [...at, 'fence'],
        [...at, 'promote'],
      ]),
    ),
  ]
}

const resume: PoolRule = ({ kind, replay }, path) =>
  when(replay.resume && kind === 'singleWriter', () =>
    error(
      [...path, 'replay', 'resume'],
      'needs `kind: stateless`: with a single writer no other upstream may be asked for the rest',
      [[...path, 'kind']],
    ),
  )

const POOL_RULES: readonly PoolRule[] = [
  roles,
  uniqueNames,
  uniqueAddresses,
  lookups,
  upstreamSecurity,
  connectionLimits,
  deadlines,
  resume,
  hooks,
]
