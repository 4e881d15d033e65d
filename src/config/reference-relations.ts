/** Listeners name pools: those exist, are used, and have upstreams that understand what the listener's clients speak. */
import type { UpstreamUrl } from './addresses.ts'
import { formatPath, nearest, type Path, quoted } from './problems.ts'
import { error, type Relation, warning, when } from './relation.ts'
import { type PoolReference, poolReferences, UPSTREAMS_OF } from './resolve.ts'
import type { Config, PoolConfig, WrittenConfig } from './schema.ts'

export function referenceRelations({ listeners }: WrittenConfig, { pools }: Config): readonly Relation[] {
  const names = Object.keys(pools)
  if (names.length === 0) return [error(['pools'], 'needs at least one pool')]
  const references = poolReferences(listeners)
  return [
    ...references.flatMap((reference) => missing(reference, names)),
    ...Object.entries(pools).flatMap(([name, pool]) => {
      const own = references.filter((reference) => reference.pool === name)
      return [...unused(name, own), ...oneProtocol(own, listeners), ...understanding(name, pool, own[0])]
    }),
  ]
}

function missing({ pool, path }: PoolReference, names: readonly string[]): readonly Relation[] {
  if (names.includes(pool)) return []
  const meant = nearest(pool, names)
  const help = meant === undefined ? `; there is ${quoted(names)}` : `; did you mean \`${meant}\`?`
  return [error(path, `no pool is called \`${pool}\`${help}`, [['pools']])]
}

const unused = (name: string, own: readonly PoolReference[]): readonly Relation[] =>
  when(own.length === 0, () => warning(['pools', name], 'is served by no listener', [['listeners']]))

const protocolOf = ({ listener }: PoolReference): Path => ['listeners', listener, 'protocol']

function oneProtocol(own: readonly PoolReference[], listeners: WrittenConfig['listeners']): readonly Relation[] {
  // Without the keys that the listener may not have anyway.
  const [first, ...others] = own.filter(({ listener, protocol }) => listeners[listener]?.protocol === protocol)
  if (first === undefined) return []
  return others
    .filter(({ protocol }) => protocol !== first.protocol)
    .map((other) =>
      error(
        other.path,
        `is served as ${first.protocol} already (\`${formatPath(first.path)}\`); a pool has one protocol: make another for ${other.protocol}`,
        [first.path, protocolOf(first), protocolOf(other)],
      ),
    )
}

const WRITE = {
  http: 'http://host:port, https://host:port, h2://host:port, h2c://host:port or unix:/path',
  tcp: 'tcp://host:port, tls://host:port or unix:/path',
} as const

function understanding(name: string, pool: PoolConfig, first: PoolReference | undefined): readonly Relation[] {
  const { protocol, upstreams } = pool
  const known = UPSTREAMS_OF[protocol]
  const leader = upstreams.findIndex(({ url }) => url.protocol !== 'unix' && known.includes(url.protocol))
  const at = (index: number) => ['pools', name, 'upstreams', index, 'url']
  return upstreams.flatMap(({ url }, index) => {
    if (known.includes(url.protocol)) return []
    if (first === undefined) {
      const other = `\`${upstreams[leader]?.name}\` is ${schemeOf(upstreams[leader]?.url ?? url)}`
      return [error(at(index), `is ${schemeOf(url)} while ${other}; a pool has one protocol`, [at(leader)])]
    }
    const other = protocol === 'http' ? 'tcp' : 'http'
    const fix = `write ${WRITE[protocol]}, or \`protocol: ${other}\` there`
    const message = `is ${schemeOf(url)}, but the listener \`${first.listener}\` speaks ${protocol}: ${fix}`
    return [error(at(index), message, [first.path, protocolOf(first)])]
  })
}

const schemeOf = ({ protocol }: UpstreamUrl): string => (protocol === 'unix' ? 'unix:' : `${protocol}://`)
