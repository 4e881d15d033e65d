import type { Command } from 'commander'
import type { OrderOptions } from '../client-command.ts'
import { order, orderCommand, step } from '../client-command.ts'
import { CliError, EXIT } from '../exit.ts'

export function addUpstreamAdmin(program: Command): void {
  orderCommand(program, 'drain <pool/upstream>', 'no new work for an upstream; what is in flight finishes')
    .option('--force', 'even if nobody can take over')
    .action((place: string, options: OrderOptions) => order(`${pathOf(place)}/drain`, options))
  orderCommand(program, 'disable <pool/upstream>', 'take an upstream out and close its connections')
    .option('--force', 'even if nobody can take over')
    .action((place: string, options: OrderOptions) => order(`${pathOf(place)}/disable`, options))
  orderCommand(program, 'enable <pool/upstream>', 'let an upstream serve again').action(
    (place: string, options: OrderOptions) => order(`${pathOf(place)}/enable`, options),
  )
}

function pathOf(place: string): string {
  const [pool = '', upstream = '', ...more] = place.split('/')
  if (pool === '' || upstream === '' || more.length > 0) {
    throw new CliError(
      'expected POOL/UPSTREAM',
      'write it like shop/blue; `understudy status` shows the names',
      EXIT.usage,
    )
  }
  return `/pools/${step(pool)}/upstreams/${step(upstream)}`
}
