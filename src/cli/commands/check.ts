import process from 'node:process'
import type { Command } from 'commander'
import { EXIT } from '../exit.ts'
import { paint, plain, print, printJson } from '../output.ts'

export function addCheck(program: Command): void {
  program
    .command('check <file>')
    .description('check a configuration file; changes nothing')
    .option('--json', 'print the result as JSON')
    .action(check)
}

async function check(file: string, { json = false }: { json?: boolean }): Promise<void> {
  const { loadFile, reportProblems, reportWarnings } = await import('../configuration.ts')
  const result = loadFile(file)
  if (!result.ok) process.exitCode = EXIT.error
  if (json) return printJson(result.ok ? { ok: true, warnings: result.warnings } : result)
  if (!result.ok) return reportProblems(result.problems)
  reportWarnings(result.warnings)
  const { listeners, pools } = result.config
  print(`${paint('green', 'ok')}: ${plain(file)}: ${count(listeners, 'listener')}, ${count(pools, 'pool')}`)
}

function count(things: object, name: string): string {
  const number = Object.keys(things).length
  return `${number} ${name}${number === 1 ? '' : 's'}`
}
