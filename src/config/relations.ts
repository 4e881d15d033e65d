/** All rules between keys: here those of the file as a whole, beside them the ones of its parts. */
import { collide, isLoopback, type ListenAddress, reaches } from './addresses.ts'
import { unavailable } from './availability.ts'
import { listenerRelations } from './listener-relations.ts'
import { poolRelations } from './pool-relations.ts'
import type { Path } from './problems.ts'
import { referenceRelations } from './reference-relations.ts'
import { error, type Relation, warning, when } from './relation.ts'
import type { Config, WrittenConfig } from './schema.ts'

/** `config` is `written`, resolved: what was written for another protocol or kind of check is only in `written`. */
export function relate(written: WrittenConfig, config: Config): readonly Relation[] {
  return [
    ...unavailable(config).map(({ path, message }) => error(path, message)),
    ...admin(config),
    ...addresses(config),
    ...listenerRelations(written.listeners),
    ...referenceRelations(written, config),
    ...workers(config),
    ...Object.entries(config.pools).flatMap(([name, pool]) => poolRelations(name, pool, written)),
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

/** What several workers cannot share. */
function workers({ workers: count, listeners, pools }: Config): readonly Relation[] {
  if (count === 1) return []
  const sockets = Object.entries(listeners).flatMap(([name, { listen }]) =>
    when(listen.kind === 'unix', () =>
      warning(['listeners', name, 'listen'], 'is a unix socket: one of the `workers` alone serves it', [['workers']]),
    ),
  )
  const places = Object.entries(pools).flatMap(([name, { upstreams }]) =>
    upstreams.flatMap(({ maxConnections }, index) =>
      when(count !== 'auto' && maxConnections !== undefined && maxConnections < count, () =>
        warning(
          ['pools', name, 'upstreams', index, 'maxConnections'],
          `is less than \`workers\`, ${count}: each of them has connections of its own, and waits for those of the others`,
          [['workers']],
        ),
      ),
    ),
  )
  return [...sockets, ...places]
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
