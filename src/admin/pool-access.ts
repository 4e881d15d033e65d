/** Finding a pool by its name, and the moment's picture of it. */
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolRuntime } from '../runtime/pool-runtime.ts'
import { ApiError } from './errors.ts'
import type { AdminOptions } from './options.ts'
import type { PoolSnapshot } from './views.ts'

export type PoolAccess = Pick<AdminOptions, 'pools' | 'clock' | 'urlOf'>

export function findPool({ pools }: PoolAccess, name: string): PoolRuntime {
  const pool = pools.get(name)
  if (pool) return pool
  const known = [...pools.keys()].join(', ') || 'none'
  throw new ApiError('unknown_pool', `There is no pool of this name.`, `The pools are: ${known}.`)
}

export function snapshot({ clock, urlOf }: PoolAccess, pool: PoolRuntime): PoolSnapshot {
  return {
    state: pool.state,
    policy: pool.policy,
    load: (id: UpstreamId) => pool.ledger(id),
    url: (id: UpstreamId) => urlOf(pool.name, id),
    held: pool.held,
    now: clock.now(),
  }
}
