/** All commands and their help. What they do is in `commands/`. */
import { Command } from 'commander'
import { nearest } from '../config/problems.ts'
import { version } from '../version.ts'
import { addAutomation } from './commands/automation.ts'
import { addCheck } from './commands/check.ts'
import { addDemo } from './commands/demo.ts'
import { addDrill } from './commands/drill.ts'
import { addEvents } from './commands/events.ts'
import { addExplain } from './commands/explain.ts'
import { addFailback } from './commands/failback.ts'
import { addFailover } from './commands/failover.ts'
import { addPlan } from './commands/plan.ts'
import type { RunFlags } from './commands/run.ts'
import { addRun, runWithFlags } from './commands/run.ts'
import { addStatus } from './commands/status.ts'
import { addSwitchover } from './commands/switchover.ts'
import { addUpstreamAdmin } from './commands/upstream-admin.ts'
import { CliError, EXIT, EXIT_HELP } from './exit.ts'
import { plain } from './output.ts'

const EXAMPLES = `
Examples:
  understudy --primary http://10.0.0.1:3000 --standby http://10.0.0.2:3000 --listen :8080
  understudy run --config understudy.yaml
  understudy status
  understudy switchover shop --to green --why "release 42"`

const append = (value: string, all: readonly string[] = []): readonly string[] => [...all, value]

export function createProgram(): Command {
  const program = new Command('understudy')
    .description('A reverse proxy for active/passive pairs: when the primary fails, the standby takes over.')
    .usage('[options] [command]')
    .version(version(), '-v, --version')
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError()
  for (const add of COMMANDS) add(program)
  return program
    .helpCommand(true)
    .argument('[command...]')
    .option('--primary <url>', 'run without a file: the upstream to prefer')
    .option('--standby <url>', 'run without a file: who takes over; may be repeated', append)
    .option('--listen <address>', 'run without a file: where clients connect, such as :8080')
    .option('--admin <address>', 'run without a file: where the admin API answers (default: 127.0.0.1:9900)')
    .addHelpText('after', `${EXAMPLES}\n${EXIT_HELP}`)
    .action(([name]: readonly string[], flags: RunFlags) => {
      if (name !== undefined) throw unknownCommand(program, name)
      if (Object.keys(flags).length === 0) program.help({ error: true })
      return runWithFlags(flags)
    })
}

/** In the order of the help. */
const COMMANDS = [
  addDemo,
  addRun,
  addCheck,
  addPlan,
  addStatus,
  addExplain,
  addEvents,
  addDrill,
  addSwitchover,
  addFailover,
  addFailback,
  addAutomation,
  addUpstreamAdmin,
] as const

function unknownCommand(program: Command, name: string): CliError {
  const known = program.commands.map((command) => command.name())
  const meant = nearest(name, known)
  const hint = meant === undefined ? 'see understudy --help' : `did you mean ${meant}?`
  return new CliError(`there is no command ${plain(name)}`, hint, EXIT.usage)
}
