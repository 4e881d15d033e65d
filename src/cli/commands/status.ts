import Table from 'cli-table3'
import type { Command } from 'commander'
import type { UpstreamView } from '../../admin/upstream-view.ts'
import type { PoolView } from '../../admin/views.ts'
import type { ClientOptions } from '../client-command.ts'
import { clientCommand, connect, step } from '../client-command.ts'
import { paint, plain, print, printJson } from '../output.ts'

const HEAD = ['pool', 'upstream', 'role', 'state', 'for', 'health', 'in flight', 'last outcome']

export function addStatus(program: Command): void {
  clientCommand(program, 'status [pool]', 'who is active, why the others are not, since when').action(status)
}

async function status(pool: string | undefined, options: ClientOptions): Promise<void> {
  const client = connect(options)
  const answer = pool
    ? { pools: [await client.get<PoolView>(`/pools/${step(pool)}`)] }
    : await client.get<{ pools: readonly PoolView[] }>('/upstreams')
  if (options.json) return printJson(pool ? answer.pools[0] : answer)
  print(table(answer.pools))
  for (const { pool: name, summary, epoch } of answer.pools) print(`${plain(name)} (epoch ${epoch}): ${plain(summary)}`)
}

function table(pools: readonly PoolView[]): string {
  // Colours are ours to decide, not the table's.
  const grid = new Table({ head: HEAD, style: { head: [], border: [], compact: true } })
  for (const pool of pools) for (const upstream of pool.upstreams) grid.push(row(pool.pool, upstream))
  return grid.toString()
}

function row(pool: string, { name, role, state, for: length, health, inFlight, tunnels, lastOutcome }: UpstreamView) {
  const busy = tunnels > 0 ? `${inFlight} + ${tunnels} tunnels` : String(inFlight)
  const shown = [pool, name, role].map(plain)
  return [...shown, coloured(state), length, plain(health.detail), busy, plain(lastOutcome?.what ?? '-')]
}

function coloured(state: UpstreamView['state']): string {
  switch (state) {
    case 'active':
      return paint(['bold', 'green'], state)
    case 'primary ready':
    case 'standby ready':
      return paint('green', state)
    case 'handing over':
    case 'taking over':
    case 'not probed yet':
    case 'draining':
    case 'disabled':
      return paint('yellow', state)
    case 'active but unfit':
    case 'unhealthy':
    case 'ejected':
      return paint('red', state)
  }
}
