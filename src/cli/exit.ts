/** How a command ends: its exit codes, and errors that name the fix. */

export const EXIT = { ok: 0, error: 1, usage: 2, refused: 3, unreachable: 4, notReady: 5 } as const

export const EXIT_HELP = `
Exit codes:
  0  done
  1  error: a wrong configuration, an address in use, …
  2  wrong usage of the command line
  3  refused by the running Understudy, which says why
  4  no running Understudy answers at the admin address
  5  drill: the standby is not ready to take over`

/** Ends the command with one clear line. `hint` names the fix. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly hint: string
  readonly exitCode: number

  constructor(message: string, hint = '', exitCode: number = EXIT.error) {
    super(message)
    this.hint = hint
    this.exitCode = exitCode
  }
}
