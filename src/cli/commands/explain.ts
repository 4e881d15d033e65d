import type { Command } from 'commander'
import type { ExplainView } from '../../admin/views.ts'
import type { ClientOptions } from '../client-command.ts'
import { clientCommand, connect, step } from '../client-command.ts'
import { explanation } from '../explanation.ts'
import { print, printJson } from '../output.ts'

export function addExplain(program: Command): void {
  clientCommand(program, 'explain <pool>', 'what the last decision rested on, and what would change it').action(
    async (pool: string, options: ClientOptions) => {
      const view = await connect(options).get<ExplainView>(`/pools/${step(pool)}/explain`)
      if (options.json) printJson(view)
      else print(explanation(view))
    },
  )
}
