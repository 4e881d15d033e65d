/** A configuration from the options of a program: the same schema, the same rules, the same defaults as a file. */
import { formatPath, nearest, type Path, type Problem } from './problems.ts'
import type { Config, Network, PoolInput } from './schema.ts'
import { validate } from './validate.ts'

/** Where requests of a route go. */
export type RouteTarget = Readonly<{
  pool: string
  /** What the upstream gets in place of the path of the route, or of what is before its `/*`. */
  rewrite?: string
}>

export type UnderstudyOptions = Readonly<{
  /** By name, with the keys and defaults of the configuration file. */
  pools: Readonly<Record<string, PoolInput>>
  /**
   * Pools by path: `/api/*` or an exact path. Without it the only pool there is gets every path; `{}` for routes of one's
   * own alone.
   */
  routes?: Readonly<Record<string, string | RouteTarget>>
  /** Before the path of every route. */
  prefix?: string
  /** Passes WebSockets on. `false` where another plugin of the application takes upgrades. */
  upgrades?: boolean
  /** Whose `X-Forwarded-*` to believe, IP addresses and CIDRs. */
  trustedProxies?: readonly string[]
  /** Where decisions survive a restart. */
  state?: Readonly<{ dir?: string }>
}>

/** `path`: prefix included. `rewrite`: null where requests keep their path. */
export type ApplicationRoute = Readonly<{ path: string; pool: string; rewrite: string | null }>

export type OptionsResult = Readonly<
  | {
      ok: true
      config: Config
      routes: readonly ApplicationRoute[]
      trustedProxies: readonly Network[]
      warnings: readonly Problem[]
    }
  | { ok: false; problems: readonly Problem[] }
>

const SOURCE = 'understudy options'
/** Pools are reached from somewhere: here it is the application, which is no address of ours. */
const APPLICATION = 'application'
/** The last two are Fastify's own. */
const OPTIONS = ['pools', 'routes', 'prefix', 'upgrades', 'trustedProxies', 'state', 'logLevel', 'logSerializers']
const TARGET = ['pool', 'rewrite']
const PREFIX = /^(?:\/[!"$&-)+-.0-9;->@-~]+)*$/

export function configFromOptions(options: UnderstudyOptions): OptionsResult {
  const names = Object.keys(options.pools ?? {})
  const routes = Object.entries(options.routes ?? (names[0] === undefined ? {} : { '/*': names[0] }))
  const verdict = validate(asFile(options, routes, names))
  const found = (verdict.ok ? verdict.warnings : verdict.problems).flatMap((finding) => located(finding, routes))
  const problems = [...ownProblems(options, names), ...(verdict.ok ? [] : found)]
  if (!verdict.ok || problems.length > 0) return { ok: false, problems: problems.map(told) }
  return {
    ok: true,
    config: verdict.config,
    routes: routes.flatMap(([path, target]) => prefixed(path, target, options.prefix ?? '')),
    trustedProxies: verdict.config.listeners[APPLICATION]?.trustedProxies ?? [],
    warnings: found.map(told),
  }
}

type Routes = readonly (readonly [path: string, target: string | RouteTarget])[]
type Located = Readonly<{ path: Path; message: string }>

/** What a file would say. */
function asFile({ pools, trustedProxies, state }: UnderstudyOptions, routes: Routes, names: readonly string[]): object {
  return {
    admin: { listen: '127.0.0.1:0' },
    log: { access: 'off' },
    ...(state !== undefined && { state }),
    listeners: {
      [APPLICATION]: {
        listen: '127.0.0.1:0',
        pool: names[0] ?? '',
        ...(trustedProxies !== undefined && { trustedProxies }),
        front: {
          routes: [
            ...routes.map(([path, target]) => ({ path, ...targetOf(target) })),
            // Routes of the application itself may go to any pool.
            ...names.map((pool, index) => ({ path: `/~${index}`, pool })),
          ],
        },
      },
    },
    pools: pools ?? {},
  }
}

function targetOf(target: string | RouteTarget): RouteTarget {
  if (typeof target === 'string') return { pool: target }
  const { pool, rewrite } = target ?? {}
  return { pool, ...(rewrite !== undefined && { rewrite }) }
}

/** Where the options say what the file would: nothing for what they do not say at all. */
function located({ path, message }: Located, routes: Routes): readonly Located[] {
  if (path[0] !== 'listeners') return [{ path, message: inApplication(message) }]
  const [, , key, , index, ...rest] = path
  if (key === 'pool') return []
  if (key !== 'front') return [{ path: path.slice(2), message }]
  const [route, target] = routes[Number(index)] ?? []
  if (route === undefined) return []
  const whole = rest[0] === 'path' || typeof target === 'string'
  return [{ path: ['routes', route, ...(whole ? [] : rest)], message }]
}

/** There is no listener that one could change. */
const inApplication = (message: string): string =>
  message
    .replace(`the listener \`${APPLICATION}\` speaks http`, 'the application speaks HTTP')
    .replace(/, or `.*` there$/, '')

function ownProblems(options: UnderstudyOptions, names: readonly string[]): readonly Located[] {
  const { prefix = '', routes, upgrades = true } = options
  const problems = [...unknownKeys(options, OPTIONS, [])]
  for (const [path, target] of Object.entries(routes ?? {})) {
    if (typeof target === 'object') problems.push(...unknownKeys(target, TARGET, ['routes', path]))
  }
  if (routes === undefined && names.length > 1) {
    problems.push({
      path: ['routes'],
      message: `is required with more than one pool, as in { '/api/*': '${names[0]}' }`,
    })
  }
  if (typeof prefix !== 'string' || !PREFIX.test(prefix)) {
    problems.push({
      path: ['prefix'],
      message: 'expected a path that starts with / and does not end with it, such as /shop',
    })
  }
  if (typeof upgrades !== 'boolean') problems.push({ path: ['upgrades'], message: 'expected `true` or `false`' })
  return problems
}

function unknownKeys(value: object | null, known: readonly string[], at: Path): readonly Located[] {
  const unknown = Object.keys(value ?? {}).filter((key) => !known.includes(key))
  return unknown.map((key) => {
    const meant = nearest(key, known)
    const help = meant === undefined ? '' : `; did you mean \`${meant}\`?`
    return { path: [...at, key], message: `unknown key \`${key}\`${help}` }
  })
}

/** What is below a prefix includes the prefix. */
function prefixed(path: string, target: string | RouteTarget, prefix: string): readonly ApplicationRoute[] {
  const { pool, rewrite = null } = targetOf(target)
  const route = { path: `${prefix}${path}`, pool, rewrite }
  return path === '/*' && prefix !== '' ? [route, { ...route, path: prefix }] : [route]
}

const told = ({ path, message }: Located): Problem => ({
  file: SOURCE,
  line: 0,
  column: 0,
  path: formatPath(path),
  message,
})
