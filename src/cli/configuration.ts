/** From a file or from flags to a configuration, or to the end of the command with everything that is wrong with it. */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Flags, Problem, Result } from '../config/load.ts'
import { configFromFlags, formatProblem, loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { CliError } from './exit.ts'
import { complain, plain } from './output.ts'

/** The one that comes with Understudy. */
export const DEFAULT_FILE = fileURLToPath(new URL('../../config/understudy.yaml', import.meta.url))

export const loadFile = (file: string): Result => loadConfig(file, process.env)
export const configOfFile = (file: string): Config => accept(loadFile(file))
export const configOfFlags = (flags: Flags): Config => accept(configFromFlags(flags))

function accept(result: Result): Config {
  if (!result.ok) {
    const [first, ...more] = result.problems
    if (first && more.length === 0) throw new CliError(plain(formatProblem(first)))
    reportProblems(result.problems)
    throw new CliError(`the configuration has ${result.problems.length} problems; nothing was started`)
  }
  reportWarnings(result.warnings)
  return result.config
}

export function reportProblems(problems: readonly Problem[]): void {
  for (const problem of problems) complain(plain(formatProblem(problem)))
}

export function reportWarnings(warnings: readonly Problem[]): void {
  for (const warning of warnings) complain(plain(`warning: ${formatProblem(warning)}`))
}
