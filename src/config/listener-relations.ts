/** What only makes sense between the keys of one listener. */
import { isLoopback } from './addresses.ts'
import type { Path } from './problems.ts'
import { error, type Relation, warning, when } from './relation.ts'
import type { WrittenConfig } from './schema.ts'

type Listener = WrittenConfig['listeners'][string]
type Route = NonNullable<Listener['front']>['routes'][number]
type ListenerRule = (listener: Listener, path: Path) => readonly Relation[]

export function listenerRelations(listeners: WrittenConfig['listeners']): readonly Relation[] {
  return [
    ...when(Object.keys(listeners).length === 0, () => error(['listeners'], 'needs at least one listener')),
    ...Object.entries(listeners).flatMap(([name, listener]) =>
      LISTENER_RULES.flatMap((rule) => rule(listener, ['listeners', name])),
    ),
  ]
}

/** Keys that mean something to the other protocol only. */
const otherProtocol: ListenerRule = ({ protocol, http2, serverNames, front, tls }, path) => {
  const reads = [[...path, 'protocol']]
  const forHttp = (given: boolean, ...key: Path) =>
    when(protocol === 'tcp' && given, () =>
      error([...path, ...key], 'needs `protocol: http`; a tcp listener passes bytes on as they are', reads),
    )
  return [
    ...forHttp(http2 !== undefined, 'http2'),
    ...forHttp(front !== undefined, 'front'),
    ...forHttp(tls?.clients?.forward === true, 'tls', 'clients', 'forward'),
    ...when(protocol === 'http' && serverNames !== undefined, () =>
      error(
        [...path, 'serverNames'],
        'needs `protocol: tcp`; an http listener gives paths to other pools with `front.routes`',
        reads,
      ),
    ),
  ]
}

const trust: ListenerRule = ({ protocol, listen, proxyProtocol, trustedProxies }, path) => {
  const at = [...path, 'trustedProxies']
  const expected = proxyProtocol !== 'off'
  const anyone = expected && trustedProxies.length === 0 && !isLoopback(listen)
  const unused = protocol === 'tcp' && !expected && trustedProxies.length > 0
  const waits = protocol === 'tcp' && proxyProtocol === 'optional'
  return [
    ...when(waits, () =>
      warning(
        [...path, 'proxyProtocol'],
        '`optional` waits for the first bytes of a client: where the server speaks first, use `either` or `off`',
        [[...path, 'protocol']],
      ),
    ),
    ...trustedProxies.flatMap(({ prefix }, index) =>
      when(prefix === 0, () => warning([...at, index], 'trusts everyone: any client can claim any address')),
    ),
    ...when(anyone, () =>
      warning(
        [...path, 'proxyProtocol'],
        'lets whoever connects claim any address; name in `trustedProxies` who may send the PROXY header',
        [at, [...path, 'listen']],
      ),
    ),
    ...when(unused, () =>
      warning(at, 'has no effect on a tcp listener without `proxyProtocol`', [
        [...path, 'protocol'],
        [...path, 'proxyProtocol'],
      ]),
    ),
  ]
}

const withoutEffect: ListenerRule = ({ protocol, http2, tls, front }, path) => {
  const at = [...path, 'http2']
  const wanted = protocol === 'http' && http2 !== undefined && http2 !== 'off'
  if (wanted && front && front.routes.length > 0) {
    const reads = [
      [...path, 'front', 'routes'],
      [...path, 'protocol'],
    ]
    return [
      warning(at, `\`${http2}\` has no effect on a listener with \`front.routes\`: it speaks HTTP/1.1 only`, reads),
    ]
  }
  return when(wanted && http2 === 'cleartext' && tls !== undefined, () =>
    warning(at, '`cleartext` has no effect on a listener with `tls`: HTTP/2 is agreed on there anyway (`auto`)', [
      [...path, 'tls'],
      [...path, 'protocol'],
    ]),
  )
}

const routes: ListenerRule = ({ front }, path) =>
  (front?.routes ?? []).flatMap((route, index, all) => {
    const at = [...path, 'front', 'routes', index]
    const first = all.findIndex((other) => other.path === route.path)
    const twice = when(first < index, () =>
      error([...at, 'path'], `has a route already: \`routes[${first}]\``, [
        [...path, 'front', 'routes', first, 'path'],
      ]),
    )
    return [...twice, ...oneAction(route, at)]
  })

function oneAction({ respond, redirect, pool, rewrite }: Route, at: Path): readonly Relation[] {
  const reads = [
    [...at, 'respond'],
    [...at, 'redirect'],
    [...at, 'pool'],
  ]
  const actions = [respond, redirect, pool].filter((action) => action !== undefined).length
  const silent = respond?.body !== '' && [204, 205, 304].includes(respond?.status ?? 200)
  return [
    ...when(actions !== 1, () =>
      error(
        at,
        `needs exactly one of \`respond\`, \`redirect\` and \`pool\`${actions === 0 ? '' : `, not ${actions}`}`,
        reads,
      ),
    ),
    ...when(rewrite !== undefined && pool === undefined, () =>
      error([...at, 'rewrite'], 'needs `pool`: only what is passed on can get another path', [[...at, 'pool']]),
    ),
    ...when(silent, () =>
      error([...at, 'respond', 'body'], `cannot be sent with status ${respond?.status}, which has no body`, [
        [...at, 'respond', 'status'],
      ]),
    ),
  ]
}

const LISTENER_RULES: readonly ListenerRule[] = [otherProtocol, trust, withoutEffect, routes]
