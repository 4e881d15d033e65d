/** Builds a listener in front of its pool. */
import net from 'node:net'
import type { ListenerConfig } from '../config/schema.ts'
import { HttpListener } from '../http/listener.ts'
import { DEFAULT_CLIENT_LIMITS } from '../wire/limits.ts'
import type { PoolParts, Shared } from './pool-parts.ts'
import { StartError } from './start-error.ts'

export function buildListener(
  name: string,
  config: ListenerConfig,
  pools: ReadonlyMap<string, PoolParts>,
  { logger }: Shared,
): HttpListener {
  const pool = pools.get(config.pool)
  if (!pool) throw new StartError(`listener ${name}: no pool ${config.pool}`, 'Name one of the pools of the file.')
  const { connections, headerBytes, headerTimeout, idleTimeout } = config.limits
  const trusted = new net.BlockList()
  for (const { address, prefix, family } of config.trustedProxies) trusted.addSubnet(address, prefix, family)
  return new HttpListener({
    name,
    listen: config.listen,
    limits: { ...DEFAULT_CLIENT_LIMITS, headBytes: headerBytes, headTimeout: headerTimeout, idleTimeout },
    connections,
    pool: pool.http,
    onError: (error) =>
      logger.log.error({ listener: name, error: error.message }, 'a connection could not be accepted'),
    trusts: (address) => net.isIP(address) !== 0 && trusted.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4'),
  })
}
