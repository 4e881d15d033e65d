/** `prefix` of a path is replaced by `to`: both begin with a slash, and end without one. */
export type PathRewrite = Readonly<{ prefix: string; to: string }>

export function pathRewrite(prefix: string, to: string): PathRewrite {
  return { prefix: prefix.replace(/\/$/, ''), to: to.replace(/\/$/, '') }
}

/**
 * Null: the path does not literally begin with the prefix, although it matched once decoded. To guess what it means could
 * lead past a check that somebody made of it.
 */
export function rewritten(target: string, rewrite: PathRewrite | null): string | null {
  if (!rewrite) return target
  const { prefix, to } = rewrite
  const rest = target.slice(prefix.length)
  if (!target.startsWith(prefix) || (rest !== '' && !/^[/?]/.test(rest))) return null
  const path = `${to}${rest}`
  return path.startsWith('/') ? path : `/${path}`
}
