import type { Command } from 'commander'
import type { OrderOptions } from '../client-command.ts'
import { order, orderCommand, step } from '../client-command.ts'

export function addSwitchover(program: Command): void {
  orderCommand(program, 'switchover <pool>', 'make another fit upstream the active, without losing requests')
    .option('--to <upstream>', 'whom (default: the most preferred fit one)')
    .action((pool: string, options: OrderOptions) => order(`/pools/${step(pool)}/switchover`, options))
}
