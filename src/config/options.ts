/** A configuration from the options of a program: the same schema, the same rules, the same defaults as a file. */
import { formatPath, type Path, type Problem } from './problems.ts'
import type { ListenerConfig, PoolInput } from './schema.ts'
import { type Result, validate } from './validate.ts'

export type PoolOptions = Readonly<{
  /** By name, as in the configuration file. */
  pools: Readonly<Record<string, PoolInput>>
  /** Whose `X-Forwarded-*` to believe. */
  trustedProxies?: readonly string[]
  /** Where decisions survive a restart. */
  state?: Readonly<{ dir?: string }>
}>

const SOURCE = 'options'
/** The rules want pools to be reached from somewhere: here it is the application, which is no address of ours. */
const APPLICATION = 'application'

export function configFromOptions({ pools, trustedProxies, state }: PoolOptions): Result {
  const [first, ...others] = Object.keys(pools)
  const verdict = validate({
    log: { access: 'off' },
    ...(state !== undefined && { state }),
    listeners: {
      [APPLICATION]: {
        listen: '127.0.0.1:0',
        pool: first ?? '',
        ...(trustedProxies !== undefined && { trustedProxies }),
        ...(others.length > 0 && { front: { routes: others.map((pool) => ({ path: `/${pool}`, pool })) } }),
      },
    },
    pools,
  })
  const tell = ({ path, message }: Readonly<{ path: Path; message: string }>): Problem => ({
    file: SOURCE,
    line: 0,
    column: 0,
    path: formatPath(path[0] === 'listeners' ? path.slice(2) : path),
    message,
  })
  if (verdict.ok) return { ok: true, config: verdict.config, warnings: verdict.warnings.map(tell) }
  return { ok: false, problems: verdict.problems.map(tell) }
}

export const applicationListener = (listeners: Readonly<Record<string, ListenerConfig>>): ListenerConfig | undefined =>
  listeners[APPLICATION]
