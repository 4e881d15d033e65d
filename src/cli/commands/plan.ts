import Table from 'cli-table3'
import type { Command } from 'commander'
import type { WorstCase } from '../../core/foresight.ts'
import { shortTime } from '../lengths.ts'
import { paint, plain, print, printJson } from '../output.ts'
import { CONSEQUENCES, fateInWords, MODES, RULES, whenNoticed } from '../plan-words.ts'
import type { PoolPlan } from '../pool-plan.ts'

export function addPlan(program: Command): void {
  program
    .command('plan [file]')
    .description('what a configuration promises for each way of failing; changes nothing')
    .option('--json', 'print the plan as JSON')
    .action(plan)
}

async function plan(given: string | undefined, { json = false }: { json?: boolean }): Promise<void> {
  // Loaded when needed: it knows the whole proxy, which takes half a second.
  const [{ configOfFile, DEFAULT_FILE }, { poolPlan }] = await Promise.all([
    import('../configuration.ts'),
    import('../pool-plan.ts'),
  ])
  const file = given ?? DEFAULT_FILE
  const config = configOfFile(file)
  const pools = Object.entries(config.pools).map(([name, pool]) => poolPlan(name, pool))
  if (json) return printJson({ file, pools })
  print(`${plain(file)}: what happens when the active upstream fails, at worst`)
  for (const pool of pools) print(`\n${describe(pool)}`)
}

function describe(pool: PoolPlan): string {
  const { pool: name, kind, failover, active, next, cases, notes } = pool
  return [
    paint('bold', plain(`${name}: ${active} is preferred, then ${next}; ${kind}, failover ${failover}`)),
    table(cases),
    `${paint('bold', 'What clients see')} ${LEGEND[pool.protocol]}`,
    ...cases.flatMap((row) => [`  ${MODES[row.mode]}`, ...clients(row, pool)]),
    paint('bold', 'Mind'),
    ...notes.map((note) => `  - ${plain(note)}`),
  ].join('\n')
}

const LEGEND = {
  http: '(GET: also HEAD, OPTIONS, TRACE; PUT: also DELETE; POST: all others)',
  tcp: '(sessions: established connections)',
} as const

const HEAD = ['the active', 'noticed with traffic after', 'when idle', 'rule', 'then']

function table(cases: readonly WorstCase[]): string {
  const steps = cases.some(({ switchTakes }) => switchTakes > 0)
  const grid = new Table({
    head: steps ? [...HEAD, 'switch takes'] : HEAD,
    style: { head: [], border: [], compact: true },
  })
  for (const row of cases) {
    const { mode, rules, idle, consequence, switchTakes } = row
    grid.push([
      MODES[mode],
      whenNoticed(row),
      idle === null ? '-' : shortTime(idle),
      rules.map((rule) => RULES[rule]).join(', ') || '-',
      consequence === 'unnoticed' ? paint('red', CONSEQUENCES[consequence]) : CONSEQUENCES[consequence],
      ...(steps ? [switchTakes === 0 ? '-' : shortTime(switchTakes)] : []),
    ])
  }
  return grid.toString()
}

const CLASSES: Readonly<Record<string, string>> = {
  safe: 'GET',
  idempotent: 'PUT',
  unsafe: 'POST',
  connections: 'new connections',
  sessions: 'sessions',
}

/** Classes of requests that fare alike share a line. */
function clients({ clients: fates }: WorstCase, names: PoolPlan): readonly string[] {
  const lines = new Map<string, string[]>()
  for (const [kind, fate] of Object.entries(fates)) {
    const words = fateInWords(fate, names)
    lines.set(words, [...(lines.get(words) ?? []), CLASSES[kind] ?? kind])
  }
  return [...lines].map(([words, kinds]) => `    ${kinds.join(', ').padEnd(17)} ${plain(words)}`)
}
