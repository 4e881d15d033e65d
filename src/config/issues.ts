/** What the schema library objects to, in the words of somebody who has to fix a file. */
import type { z } from 'zod'
import { type Outline, outlineAt } from './outline.ts'
import { type Finding, nearest, type Path, quoted } from './problems.ts'

const EMPTY_FILE = 'the file is empty; it needs at least `listeners` and `pools` (see config/examples/minimal.yaml)'

type Issue = z.core.$ZodIssue

export function explain(issue: Issue, raw: unknown, outline: Outline): readonly Finding[] {
  const path = issue.path.filter((step): step is string | number => typeof step !== 'symbol')
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], outlineAt(outline, path)))
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? issue.message, at: 'key' }]
    case 'invalid_value':
      return [{ path, message: notOneOf(issue.values.map(String), valueAt(raw, path)) }]
    default:
      return [{ path, message: wrongValue(issue, valueAt(raw, path), outlineAt(outline, path)) }]
  }
}

function unknownKey(path: Path, outline: Outline | undefined): Finding {
  const key = String(path.at(-1))
  const known = Object.keys(outline?.properties ?? {})
  const meant = nearest(key, known)
  const help = meant === undefined ? `; possible here: ${quoted(known)}` : `; did you mean \`${meant}\`?`
  return { path, message: `unknown key \`${key}\`${help}`, at: 'key' }
}

function notOneOf(allowed: readonly string[], value: unknown): string {
  const meant = typeof value === 'string' ? nearest(value, allowed) : undefined
  return `expected one of ${quoted(allowed)}${meant === undefined ? '' : `; did you mean \`${meant}\`?`}`
}

function wrongValue(issue: Issue, value: unknown, outline: Outline | undefined): string {
  if (value === undefined) return `is required${showExample(outline?.example)}`
  if (value === null && outline?.properties?.listeners !== undefined) return EMPTY_FILE
  if (value === null) return 'is empty; remove the key or give it a value'
  if (issue.code !== 'invalid_type' || (issue.expected !== 'object' && issue.expected !== 'record'))
    return issue.message
  return `expected a mapping (\`key: value\`), not ${kindOf(value)}`
}

const showExample = (example: unknown): string => (typeof example === 'string' ? `, for example ${example}` : '')

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}

function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    raw,
  )
}
