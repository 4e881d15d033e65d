// The bench's command line. Each command is one file in commands/.
import { faultCommand, fullForm, quickForm } from './commands/fault-trials.ts'
import { frontCommand } from './commands/fronts.ts'
import { showReport } from './commands/show-report.ts'
import { throughput } from './commands/throughput.ts'
import { UsageError } from './commands/usage-error.ts'
import { contenders } from './contenders/registry.ts'
import { endChildrenOnSignals } from './process/child.ts'
import { scenarios } from './scenarios/registry.ts'

const commands: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  switchover: faultCommand(quickForm),
  gauntlet: faultCommand(fullForm),
  throughput,
  tcp: frontCommand('tcp'),
  tls: frontCommand('tls'),
  http2: frontCommand('http2'),
  report: showReport,
}

const HELP = `usage: node bench/run.ts COMMAND [options]      (or: npm run bench -- COMMAND [options])

  switchover   a fault in the middle of a steady load: errors, duplicates, longest gap, first answer of the standby
    --scenarios a,b    default: quick ones   --contenders x,y   default: all that are installed, as tuned
    --trials N         default 1             --rate N           requests/s, default 300
    --seconds N        default 6             --out FILE         default bench/results/switchover-DATE.json

  gauntlet     the same at length: every scenario, every contender with its defaults too, five trials; takes hours
    the same options; --trials 4-6 is only those. What is there is in FILE after each trial; parts are reported together

  throughput   requests/s and CPU per request on one core
    --contenders x,y   --seconds N (5)   --rounds N (3)     --load wrk|autocannon   --out FILE

  tcp          bytes and connections through a TCP listener
  tls          requests and handshakes, full and resumed, over TLS
  http2        requests over HTTP/2 in front, HTTP/1.1 behind
    --contenders x,y   --seconds N a load and round (1.5, 3, 4)   --rounds N (3)   --out FILE

  report FILE... [--markdown] [--svg DIR]     results as tables and charts; several files of one kind as one

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
