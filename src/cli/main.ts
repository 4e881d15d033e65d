/** The command line: reads the arguments, runs one command, and turns whatever went wrong into one line and an exit code. */
import process from 'node:process'
import { CommanderError } from 'commander'
import { EXIT } from './exit.ts'
import { complain, endQuietlyOnClosedPipe, paint } from './output.ts'
import { createProgram } from './program.ts'

export async function main(argv: readonly string[]): Promise<void> {
  endQuietlyOnClosedPipe()
  try {
    await createProgram().parseAsync(argv)
  } catch (error) {
    process.exitCode = report(error)
    // A start that failed half way may have left a listener or a timer behind.
    process.exit()
  }
}

/** Commander has already written what it has to say. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (!isForPeople(error)) {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return EXIT.error
  }
  const { message, hint, exitCode = EXIT.error } = error
  complain(`${paint('red', 'error', process.stderr)}: ${oneLine(message, hint)}`)
  return exitCode
}

/** What is wrong; how to mend it. Both may come as sentences of their own. */
function oneLine(message: string, hint: string): string {
  if (hint === '') return message
  const fix = /^[A-Z][a-z]/.test(hint) ? hint.charAt(0).toLowerCase() + hint.slice(1) : hint
  return `${message.replace(/\.$/, '')}; ${fix.replace(/\.$/, '')}`
}

type ErrorForPeople = Error & Readonly<{ hint: string; exitCode?: number }>

/** A `CliError`, or a `StartError` of the composition root. */
const isForPeople = (error: unknown): error is ErrorForPeople =>
  error instanceof Error && 'hint' in error && typeof error.hint === 'string'
