/** What the schema knows and this version does not do yet. Refused by name: a feature that is silently ignored is worse. */
import type { Path } from './problems.ts'
import type { Config, ListenerConfig, PoolConfig } from './schema.ts'

type Refusal = Readonly<{ path: Path; message: string }>

const PROBES: readonly string[] = ['http', 'tcp', 'tls']
const UPSTREAMS: readonly string[] = ['http', 'https']

const missing = (path: Path, what: string, instead: string): Refusal => ({
  path,
  message: `${what} is not available in this version; ${instead}`,
})

export function unavailable(config: Config): readonly Refusal[] {
  const alerts = config.alerts.length > 0
  return [
    ...(alerts ? [missing(['alerts'], '`alerts`', 'use GET /events of the admin API or the metrics')] : []),
    ...Object.entries(config.listeners).flatMap(([name, listener]) => ofListener(listener, ['listeners', name])),
    ...Object.entries(config.pools).flatMap(([name, pool]) => ofPool(pool, ['pools', name])),
  ]
}

function ofListener({ protocol, tls, proxyProtocol }: ListenerConfig, path: Path): readonly Refusal[] {
  const refusals: Refusal[] = []
  if (protocol === 'tcp') refusals.push(missing([...path, 'protocol'], 'protocol `tcp`', 'use `http`'))
  if (tls !== undefined) {
    refusals.push(missing([...path, 'tls'], 'TLS from clients', 'use a plain listener behind something that ends TLS'))
  }
  if (proxyProtocol !== 'off') {
    refusals.push(missing([...path, 'proxyProtocol'], 'the PROXY protocol', 'use `off`, with `trustedProxies`'))
  }
  return refusals
}

function ofPool({ probe, upstreams }: PoolConfig, path: Path): readonly Refusal[] {
  const refusals = upstreams.flatMap(({ url }, index) =>
    UPSTREAMS.includes(url.protocol)
      ? []
      : [missing([...path, 'upstreams', index, 'url'], `an upstream of ${url.protocol}`, 'use http:// or https://')],
  )
  if (PROBES.includes(probe.type)) return refusals
  return [
    ...refusals,
    missing([...path, 'probe', 'type'], `a probe of type \`${probe.type}\``, 'use `http`, `tcp` or `tls`'),
  ]
}
