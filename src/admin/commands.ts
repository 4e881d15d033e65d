/** Commands by name, as people give them: to the pool, and back with what it has become. */
import type { Command, Origin } from '../core/events.ts'
import { upstreamId } from '../core/upstream.ts'
import { ApiError } from './errors.ts'
import type { PoolAccess } from './pool-access.ts'
import { findPool, snapshot } from './pool-access.ts'
import type { PoolView } from './views.ts'
import { poolView } from './views.ts'

export const POOL_COMMANDS = ['switchover', 'failover', 'failback', 'pause', 'resume'] as const
export const UPSTREAM_COMMANDS = ['drain', 'disable', 'enable'] as const
export type CommandName = (typeof POOL_COMMANDS)[number] | (typeof UPSTREAM_COMMANDS)[number]

/** What a command needs beside its name: `to` a switchover, `force` a failover and what takes an upstream out. */
export type CommandDetails = Readonly<{ to?: string; force?: boolean; upstream?: string }>
export type CommandResult = PoolView & Readonly<{ changed: boolean }>

/** Throws an ApiError with code and hint when the pool refuses. */
export function carryOut(options: PoolAccess, name: string, command: Command, origin: Origin): CommandResult {
  const pool = findPool(options, name)
  const reply = pool.command(command, origin)
  if (!reply.ok) throw new ApiError(reply.code, reply.message, reply.hint)
  return { changed: reply.changed, ...poolView(snapshot(options, pool)) }
}

export function toCommand(name: CommandName, { to, force = false, upstream = '' }: CommandDetails): Command {
  switch (name) {
    case 'switchover':
      return { name, to: to === undefined ? null : upstreamId(to) }
    case 'failover':
      return { name, force }
    case 'failback':
    case 'pause':
    case 'resume':
      return { name }
    case 'drain':
    case 'disable':
    case 'enable':
      return { name, upstream: upstreamId(upstream), force }
  }
}
