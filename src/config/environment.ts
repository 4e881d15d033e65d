/** `${NAME}` and `${NAME:-default}` in the text values of the file. The values themselves never appear in a message. */

export type Environment = Readonly<Record<string, string | undefined>>

export type Substitution = Readonly<{ text: string; names: readonly string[]; problems: readonly string[] }>

/** `$${` is the way to write `${` itself. An unclosed `${` matches the last alternative. */
const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/

const MALFORMED = `"\${" starts a variable: write \${NAME} or \${NAME:-default}, or $\${ for the characters themselves`

export function substitute(text: string, env: Environment): Substitution {
  const names: string[] = []
  const problems: string[] = []
  const replaced = text.replace(REFERENCE, (whole, inside: string | undefined) => {
    if (whole === '$${') return '${'
    const [, name, fallback] = INSIDE.exec(inside ?? '') ?? []
    if (name === undefined) {
      problems.push(MALFORMED)
      return ''
    }
    names.push(name)
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    // As in a shell, `:-` also stands in for a variable that is set to nothing.
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value === undefined)
      problems.push(`the environment variable ${name} is not set; set it, or write \${${name}:-default}`)
    return value ?? ''
  })
  return { text: replaced, names, problems }
}
