import type { Command } from 'commander'
import type { OrderOptions } from '../client-command.ts'
import { order, orderCommand, step } from '../client-command.ts'

export function addFailover(program: Command): void {
  orderCommand(program, 'failover <pool>', 'leave an unfit primary')
    .option('--force', 'also leave a fit one, and accept an unfit standby')
    .action((pool: string, options: OrderOptions) => order(`/pools/${step(pool)}/failover`, options))
}
