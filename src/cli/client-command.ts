/** What all commands share that talk to a running Understudy: where it is, who asks and why, and the form of the answer. */
import process from 'node:process'
import type { Command } from 'commander'
import type { PoolView } from '../admin/views.ts'
import type { AdminClient } from './admin-client.ts'
import { adminClient, DEFAULT_ADMIN } from './admin-client.ts'
import { paint, plain, print, printJson } from './output.ts'

export type ClientOptions = Readonly<{ admin?: string; token?: string; json?: boolean }>
export type OrderOptions = ClientOptions & Readonly<{ by?: string; why?: string; force?: boolean; to?: string }>

export function clientCommand(program: Command, usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option('--admin <address>', `admin address of the running Understudy (default: ${DEFAULT_ADMIN})`)
    .option('--token <token>', 'admin token (default: the variable UNDERSTUDY_TOKEN)')
    .option('--json', 'print the answer as JSON')
}

export function orderCommand(program: Command, usage: string, description: string): Command {
  return clientCommand(program, usage, description)
    .option('--why <text>', 'why you ask; kept with the decision')
    .option('--by <name>', 'who asks (default: the address you ask from)')
}

export function connect({ admin, token }: ClientOptions): AdminClient {
  const given = token ?? process.env.UNDERSTUDY_TOKEN
  return adminClient({ admin: admin ?? DEFAULT_ADMIN, token: given === '' ? undefined : given })
}

/** One step of a path. Names with odd characters must not become another path. */
export const step = (name: string): string => encodeURIComponent(name)

type Answer = PoolView & Readonly<{ changed: boolean }>

/** Sends a command and says what came of it. */
export async function order(path: string, options: OrderOptions): Promise<void> {
  const { why, by, force, to } = options
  const body = {
    ...(why !== undefined && { why }),
    ...(by !== undefined && { by }),
    ...(force !== undefined && { force }),
    ...(to !== undefined && { to }),
  }
  const answer = await connect(options).post<Answer>(path, body)
  if (options.json) return printJson(answer)
  const changed = answer.changed ? paint('green', 'done') : 'nothing to change'
  print(`${changed}: pool ${plain(answer.pool)}, epoch ${answer.epoch}`)
  print(plain(answer.summary))
}
