/** A configuration from command line flags alone: the same schema, the same rules, the same defaults as a file. */
import { formatPath, type Path, type Problem } from './problems.ts'
import { type Result, validate } from './validate.ts'

export type Flags = Readonly<{
  primary: string
  standby: readonly string[]
  listen: string
  admin?: string | undefined
}>

const SOURCE = 'command line'

export function configFromFlags({ primary, standby, listen, admin }: Flags): Result {
  const standbys = standby.map((url, index) => ({ name: index === 0 ? 'standby' : `standby-${index + 1}`, url }))
  const protocol = /^(tcp|tls):/i.test(primary) ? 'tcp' : 'http'
  const verdict = validate({
    ...(admin !== undefined && { admin: { listen: admin } }),
    listeners: { web: { protocol, listen, pool: 'default' } },
    pools: { default: { upstreams: [{ name: 'primary', url: primary }, ...standbys] } },
  })
  const tell = ({ path, message }: { path: Path; message: string }): Problem => ({
    file: SOURCE,
    line: 0,
    column: 0,
    path: flagOf(path),
    message,
  })
  if (verdict.ok) return { ok: true, config: verdict.config, warnings: verdict.warnings.map(tell) }
  return { ok: false, problems: verdict.problems.map(tell) }
}

/** Nobody who typed flags knows paths. */
function flagOf(path: Path): string {
  if (path[0] === 'admin') return '--admin'
  if (path[0] === 'listeners') return '--listen'
  if (path[2] !== 'upstreams') return formatPath(path)
  return path[3] === 0 ? '--primary' : '--standby'
}
