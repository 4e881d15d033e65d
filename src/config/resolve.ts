/** Defaults that depend on other parts of the file, and what a pool is by who refers to it. */
import type { UpstreamProtocol } from './addresses.ts'
import type { WrittenListener } from './listener-schema.ts'
import type { WrittenPool } from './pool-schema.ts'
import { type ProbeType, type ResolvedProbe, resolveProbe } from './probe-schema.ts'
import type { Path } from './problems.ts'

/** What clients speak, and so what their upstreams have to understand. */
type Protocol = WrittenListener['protocol']

export const UPSTREAMS_OF: Readonly<Record<Protocol, readonly UpstreamProtocol[]>> = {
  http: ['http', 'https', 'h2', 'h2c', 'unix'],
  tcp: ['tcp', 'tls', 'unix'],
}

type Own = 'protocol' | 'http2' | 'serverNames' | 'front'
type Common = Omit<WrittenListener, Own>
type HttpListener = Common & Readonly<{ protocol: 'http' }> & Required<Pick<WrittenListener, 'http2' | 'front'>>
type TcpListener = Common & Readonly<{ protocol: 'tcp' }> & Required<Pick<WrittenListener, 'serverNames'>>

/** Keys of the other protocol are dropped here; `listener-relations.ts` refuses them. */
function resolveListener(written: WrittenListener): HttpListener | TcpListener {
  const { protocol, http2 = 'auto', front = { routes: [] }, serverNames = {}, ...common } = written
  return protocol === 'http' ? { ...common, protocol, http2, front } : { ...common, protocol, serverNames }
}

export const resolveListeners = (listeners: Readonly<Record<string, WrittenListener>>) =>
  Object.fromEntries(Object.entries(listeners).map(([name, listener]) => [name, resolveListener(listener)]))

export type PoolReference = Readonly<{ listener: string; protocol: Protocol; pool: string; path: Path }>

type Referring = Readonly<{
  protocol: Protocol
  pool: string
  serverNames?: Readonly<Record<string, string>>
  front?: Readonly<{ routes: readonly Readonly<{ pool?: string }>[] }>
}>

/** Every place where a listener names a pool. */
export function poolReferences(listeners: Readonly<Record<string, Referring>>): readonly PoolReference[] {
  return Object.entries(listeners).flatMap(([listener, { protocol, pool, serverNames = {}, front }]) => {
    const at = ['listeners', listener]
    return [
      { listener, protocol, pool, path: [...at, 'pool'] },
      // Whatever the listener speaks: what belongs to the other protocol is reported where it is, not at the pools.
      ...Object.entries(serverNames).map(
        ([name, other]): PoolReference => ({
          listener,
          protocol: 'tcp',
          pool: other,
          path: [...at, 'serverNames', name],
        }),
      ),
      ...(front?.routes ?? []).flatMap(({ pool: other }, index): readonly PoolReference[] =>
        other === undefined
          ? []
          : [{ listener, protocol: 'http', pool: other, path: [...at, 'front', 'routes', index, 'pool'] }],
      ),
    ]
  })
}

type ResolvedPool = Omit<WrittenPool, 'probe'> &
  Readonly<{
    /** That of the listeners it serves; by its upstreams when it serves none. */
    protocol: Protocol
    probe: ResolvedProbe
  }>

export function resolvePools(
  pools: Readonly<Record<string, WrittenPool>>,
  listeners: Readonly<Record<string, WrittenListener>>,
): Record<string, ResolvedPool> {
  const references = poolReferences(listeners)
  return Object.fromEntries(
    Object.entries(pools).map(([name, pool]) => {
      const spoken = pool.upstreams.map(({ url }) => url.protocol)
      const protocol = references.find((reference) => reference.pool === name)?.protocol ?? protocolOf(spoken)
      const probe = resolveProbe(pool.probe, pool.probe.type ?? probeFor(spoken, protocol))
      return [name, { ...pool, protocol, probe }]
    }),
  )
}

function protocolOf(spoken: readonly UpstreamProtocol[]): Protocol {
  const first = spoken.find((each) => each !== 'unix')
  return first === 'tcp' || first === 'tls' ? 'tcp' : 'http'
}

/** A GET in HTTP/1.1 proves nothing to a server that speaks HTTP/2 only: there the most that every such server answers. */
function probeFor(spoken: readonly UpstreamProtocol[], protocol: Protocol): ProbeType {
  const only = (...expected: readonly UpstreamProtocol[]) => spoken.every((each) => expected.includes(each))
  if (protocol === 'http' ? only('http', 'https', 'unix') : only('http', 'https')) return 'http'
  return only('https', 'h2', 'tls') ? 'tls' : 'tcp'
}
