/**
 * What only makes sense between keys. A rule looks at a whole, resolved configuration and tells what it found; it does not
 * know about files or lines. A rule that compares names the other paths it `reads`, so that it stays silent when one of
 * them is already known to be wrong.
 */
import { collide, isLoopback, type ListenAddress, reaches } from './addresses.ts'
import { unavailable } from './availability.ts'
import { type Finding, nearest, type Path, quoted } from './problems.ts'
import type { Config, PoolConfig, UpstreamConfig } from './schema.ts'
import { formatDuration } from './units.ts'

export type Relation = Finding & Readonly<{ severity: 'error' | 'warning'; reads?: readonly Path[] }>

const error = (path: Path, message: string, reads: readonly Path[] = []): Relation => ({
  severity: 'error',
  path,
  message,
  reads,
})
const warning = (path: Path, message: string, reads: readonly Path[] = []): Relation => ({
  ...error(path, message, reads),
  severity: 'warning',
})
const when = (condition: boolean, relation: () => Relation): readonly Relation[] => (condition ? [relation()] : [])

type PoolRule = (pool: PoolConfig, path: Path) => readonly Relation[]

export function relate(config: Config): readonly Relation[] {
  return [
    ...unavailable(config).map(({ path, message }) => error(path, message)),
    ...admin(config),
    ...listeners(config),
    ...addresses(config),
    ...Object.entries(config.pools).flatMap(([name, pool]) =>
      POOL_RULES.flatMap((rule) => rule(pool, ['pools', name])),
    ),
    ...unusedPools(config),
  ]
}

function admin({ admin: { listen, token } }: Config): readonly Relation[] {
  return when(!isLoopback(listen) && token === undefined, () =>
    error(
      ['admin', 'listen'],
      'needs `admin.token` for any address that is not loopback: whoever reaches it can switch pools',
      [['admin', 'token']],
    ),
  )
}

function listeners({ listeners, pools }: Config): readonly Relation[] {
  const names = Object.keys(pools)
  const none = when(Object.keys(listeners).length === 0, () => error(['listeners'], 'needs at least one listener'))
  const noPool = when(names.length === 0, () => error(['pools'], 'needs at least one pool'))
  const each = Object.entries(listeners).flatMap(([name, { pool, trustedProxies }]) => [
    ...when(names.length > 0 && !Object.hasOwn(pools, pool), () =>
      error(['listeners', name, 'pool'], unknownPool(pool, names), [['pools']]),
    ),
    ...trustedProxies.flatMap(({ prefix }, index) =>
      when(prefix === 0, () =>
        warning(['listeners', name, 'trustedProxies', index], 'trusts everyone: any client can claim any address'),
      ),
    ),
  ])
  return [...none, ...noPool, ...each]
}

function unknownPool(pool: string, names: readonly string[]): string {
  const meant = nearest(pool, names)
  return `no pool is called \`${pool}\`${meant === undefined ? `; there is ${quoted(names)}` : `; did you mean \`${meant}\`?`}`
}

type Place = Readonly<{ path: Path; address: ListenAddress }>

/** Two of our own sockets on one address, or an upstream that is one of them. */
function addresses(config: Config): readonly Relation[] {
  const places: readonly Place[] = [
    { path: ['admin', 'listen'], address: config.admin.listen },
    ...Object.entries(config.listeners).map(
      ([name, { listen }]): Place => ({ path: ['listeners', name, 'listen'], address: listen }),
    ),
  ]
  const twice = places.flatMap((place, index) => {
    const first = places.slice(0, index).find((earlier) => collide(earlier.address, place.address))
    if (first === undefined) return []
    return [error(place.path, `is the same address as \`${first.path.join('.')}\``, [first.path])]
  })
  const loops = Object.entries(config.pools).flatMap(([name, { upstreams }]) =>
    upstreams.flatMap(({ url }, index) => {
      const self = places.find(({ address }) => reaches(url, address))
      const path = ['pools', name, 'upstreams', index, 'url']
      return self === undefined ? [] : [error(path, `is this proxy itself: \`${self.path.join('.')}\``, [self.path])]
    }),
  )
  return [...twice, ...loops]
}

function unusedPools({ listeners, pools }: Config): readonly Relation[] {
  const used = new Set(Object.values(listeners).map(({ pool }) => pool))
  return Object.keys(pools)
    .filter((name) => !used.has(name))
    .map((name) => warning(['pools', name], 'is served by no listener', [['listeners']]))
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

const upstreamSecurity: PoolRule = ({ upstreams }, path) =>
  upstreams.flatMap(({ url, tls, name }, index) => {
    const at = [...path, 'upstreams', index, 'tls']
    const encrypted = url.protocol === 'https' || url.protocol === 'tls'
    if (tls !== undefined && !encrypted) {
      return [error(at, 'needs an https:// `url`', [[...path, 'upstreams', index, 'url']])]
    }
    return when(tls?.verify === false, () =>
      warning(
        [...at, 'verify'],
        `certificates of \`${name}\` are not checked: anyone in between can read and change traffic`,
      ),
    )
  })

const probes: PoolRule = (pool, path) => {
  const { type, timeout, interval } = pool.probe
  const plain = pool.upstreams.findIndex(({ url }) => url.protocol === 'http')
  return [
    ...when(timeout >= interval, () =>
      error(
        [...path, 'probe', 'timeout'],
        `is ${formatDuration(timeout)}; must be less than \`interval\`, ${formatDuration(interval)}`,
        [[...path, 'probe', 'interval']],
      ),
    ),
    ...when(type === 'tls' && plain >= 0, () =>
      error(
        [...path, 'probe', 'type'],
        `\`tls\` needs https:// upstreams; \`${pool.upstreams[plain]?.name}\` is http://`,
        [[...path, 'upstreams', plain, 'url']],
      ),
    ),
  ]
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

const POOL_RULES: readonly PoolRule[] = [
  roles,
  uniqueNames,
  uniqueAddresses,
  upstreamSecurity,
  probes,
  deadlines,
  hooks,
]
