/** The way in: a file, a text or flags to a `Config`, or to everything that is wrong with it at once. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDocument } from './document.ts'
import type { Environment } from './environment.ts'
import type { Problem } from './problems.ts'
import { type Result, validate } from './validate.ts'

export { configFromFlags, type Flags } from './flags.ts'
export { formatProblem, type Problem } from './problems.ts'
export { redact } from './redact.ts'
export type { Environment, Result }

export function loadConfig(file: string, env: Environment): Result {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const message = unreadable(file, error)
    return { ok: false, problems: [{ file, line: 0, column: 0, path: '', message }] }
  }
  return parseConfig(text, { file, env })
}

/** `file` only names the text in problems. */
export function parseConfig(text: string, { file, env }: Readonly<{ file: string; env: Environment }>): Result {
  const { problems, source } = readDocument(text, file, env)
  if (source === undefined) return { ok: false, problems: inOrder(problems) }
  const verdict = validate(source.raw, source.findings)
  if (verdict.ok && problems.length === 0) {
    return { ok: true, config: verdict.config, warnings: inOrder(verdict.warnings.map(source.locate)) }
  }
  const found = verdict.ok ? [] : verdict.problems.map(source.locate)
  return { ok: false, problems: inOrder([...problems, ...found]) }
}

const inOrder = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted((one, other) => one.line - other.line || one.column - other.column)

function unreadable(file: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'no such file; check the path, or start from config/examples/minimal.yaml'
    case 'EISDIR':
      return `is a directory; name the file in it, such as ${join(file, 'understudy.yaml')}`
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by this user; change its owner or mode'
    default:
      return `cannot be read (${String(code ?? 'unknown error')})`
  }
}
