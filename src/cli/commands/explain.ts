import type { Command } from 'commander'
import type { ExplainView } from '../../admin/views.ts'
import type { ClientOptions } from '../client-command.ts'
import { clientCommand, connect, step } from '../client-command.ts'
import { eventLine } from '../event-line.ts'
import { paint, plain, print, printJson } from '../output.ts'

export function addExplain(program: Command): void {
  clientCommand(program, 'explain <pool>', 'why the active is the active, and what would change that').action(
    async (pool: string, options: ClientOptions) => {
      const view = await connect(options).get<ExplainView>(`/pools/${step(pool)}/explain`)
      if (options.json) printJson(view)
      else print(explanation(view))
    },
  )
}

function explanation({
  pool,
  summary,
  decision,
  epoch,
  attention,
  damping,
  failback,
  failover,
  upstreams,
  notices,
}: ExplainView) {
  const from = decision.from === null ? '' : ` from ${decision.from}`
  const until = damping.until === null ? '' : `; failback suppressed until ${damping.until}`
  const rows: readonly (readonly [string, string])[] = [
    ['decision', `${decision.cause}${from} to ${decision.to ?? 'nobody'} at ${decision.at}, epoch ${epoch}`],
    ['reason', decision.reason],
    ['by', decision.by + (decision.pinned ? ' (stays until an operator or a failure changes it)' : '')],
    ...(attention ? ([['attention', `${attention.unfit}; kept because: ${attention.keptBecause}`]] as const) : []),
    ['failover', failover],
    ['failback', `${failback.mode}: ${failback.why}${failback.at === null ? '' : ` (due ${failback.at})`}`],
    ['damping', `${damping.points} points${until}`],
    ...upstreams.map(({ name, state, why, since }) => [name, `${state} since ${since}. ${why}`] as const),
  ]
  return [
    paint('bold', `${plain(pool)}: ${plain(summary)}`),
    ...rows.map(([key, text]) => `  ${plain(key).padEnd(10)} ${plain(text)}`),
    ...(notices.length > 0 ? ['  what happened lately:', ...notices.map((notice) => `    ${eventLine(notice)}`)] : []),
  ].join('\n')
}
