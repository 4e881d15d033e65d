import type { Command } from 'commander'
import type { OrderOptions } from '../client-command.ts'
import { order, orderCommand, step } from '../client-command.ts'

export function addAutomation(program: Command): void {
  orderCommand(program, 'pause <pool>', 'change the active by command only; traffic is served as before').action(
    (pool: string, options: OrderOptions) => order(`/pools/${step(pool)}/pause`, options),
  )
  orderCommand(program, 'resume <pool>', 'let the active change by itself again').action(
    (pool: string, options: OrderOptions) => order(`/pools/${step(pool)}/resume`, options),
  )
}
