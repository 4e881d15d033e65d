// The bench's command line. Each command is one file in commands/.
import { engineCommand, wholeEngineCommand } from './commands/engine.ts'
import { faultCommand, fullForm, quickForm } from './commands/fault-trials.ts'
import { showReport } from './commands/show-report.ts'
import { UsageError } from './commands/usage-error.ts'
import { contenders } from './contenders/registry.ts'
import type { EngineKind } from './engine/engine-bench.ts'
import { engineBenches } from './engine/registry.ts'
import { endChildrenOnSignals } from './process/child.ts'
import { scenarios } from './scenarios/registry.ts'

const commands: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  switchover: faultCommand(quickForm),
  gauntlet: faultCommand(fullForm),
  engine: wholeEngineCommand,
  ...Object.fromEntries((Object.keys(engineBenches) as EngineKind[]).map((kind) => [kind, engineCommand(kind)])),
  report: showReport,
}

const HELP = `usage: node bench/run.ts COMMAND [options]      (or: npm run bench -- COMMAND [options])

  switchover   a fault in the middle of a steady load: errors, duplicates, longest gap, first answer of the standby
    --scenarios a,b    default: quick ones   --contenders x,y   default: all that are installed, as tuned
    --trials N         default 1             --rate N           requests/s, default 300
    --seconds N        default 6             --out FILE         default bench/results/switchover-DATE.json

  gauntlet     the same at length: every scenario, every contender with its defaults too, five trials; takes hours
    the same options; --trials 4-6 is only those. What is there is in FILE after each trial; parts are reported together

  engine       every kind of load that follows, one after the other: CPU, rate, latency and memory; takes half an hour
${Object.values(engineBenches)
  .map(({ kind, summary }) => `  ${kind.padEnd(13)}${summary}`)
  .join('\n')}
    --contenders x,y   --seconds N a load and round   --rounds N (3)   --out FILE

  report FILE... [--markdown] [--svg DIR] [--out FILE] [--readme]
    results as tables and charts; parts of one gauntlet as one (--out: in one file), kinds of load with a summary

scenarios:
${scenarios.map(({ name, summary }) => `  ${name.padEnd(19)} ${summary}`).join('\n')}

contenders: ${contenders.map(({ name }) => name).join(', ')}
`

const isUsageError = (error: unknown): error is Error =>
  error instanceof UsageError ||
  (error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS'))

const main = async (): Promise<void> => {
  const [name, ...args] = process.argv.slice(2)
  if (name === undefined || name === '--help' || name === 'help' || args.includes('--help')) {
    process.stdout.write(HELP)
    return
  }
  const command = commands[name]
  if (!command) throw new UsageError(`unknown command "${name}"; valid are: ${Object.keys(commands).join(', ')}`)
  await command(args)
}

endChildrenOnSignals()
try {
  await main()
} catch (error) {
  process.stderr.write(
    isUsageError(error) ? `bench: ${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`,
  )
  process.exitCode = isUsageError(error) ? 2 : 1
}
