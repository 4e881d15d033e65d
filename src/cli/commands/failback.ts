import type { Command } from 'commander'
import type { OrderOptions } from '../client-command.ts'
import { order, orderCommand, step } from '../client-command.ts'

export function addFailback(program: Command): void {
  orderCommand(program, 'failback <pool>', 'return to the most preferred upstream').action(
    (pool: string, options: OrderOptions) => order(`/pools/${step(pool)}/failback`, options),
  )
}
