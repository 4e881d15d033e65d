/** Where a request of a route goes: to its own target, or to the one that the route says instead. */
import type { Refusal } from '../wire/request-head.ts'

/** `prefix` is replaced by `to`. `below`: whatever follows it stays; otherwise it has to be the whole path. */
export type PathRewrite = Readonly<{ prefix: string; to: string; below: boolean }>

/** `path`: of a route, exact or a prefix that ends in `/*`. */
export function pathRewrite(path: string, to: string): PathRewrite {
  if (!path.endsWith('/*')) return { prefix: path, to, below: false }
  return { prefix: path.slice(0, -2), to: to.replace(/\/$/, ''), below: true }
}

/** RFC 9112 §3.2: absolute-form has an authority in front. */
const TARGET = /^(https?:\/\/[^/?]*)?([^?]*)(.*)$/is
/** Also where a server may see one: behind a slash that is encoded or leans backwards, before path parameters. */
const DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?:[/\\;]|$)/

/**
 * The target that is sent on. What routes and hooks judged must be what the upstream sees: a path that only turns out to
 * be another one when it is resolved or decoded would lead past them.
 */
export function routedTarget(target: string, rewrite: PathRewrite | null): string | Refusal {
  const [, authority = '', path = '', query = ''] = TARGET.exec(target) ?? []
  if (hasDotSegments(path)) return { status: 400, reason: 'dot segments in the path' }
  if (!rewrite) return target
  const { prefix, to, below } = rewrite
  const rest = path.slice(prefix.length)
  if (!path.startsWith(prefix) || (rest !== '' && !(below && rest.startsWith('/')))) {
    return { status: 400, reason: `the path is spelt in another way than ${prefix}` }
  }
  return `${authority}${to + rest || '/'}${query}`
}

function hasDotSegments(path: string): boolean {
  if (!path.includes('.') && !/%2e/i.test(path)) return false
  return DOT_SEGMENT.test(path.replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '\\'))
}
