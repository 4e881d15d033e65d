import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { NoticeView } from '../../admin/views.ts'
import type { AdminClient } from '../admin-client.ts'
import type { ClientOptions } from '../client-command.ts'
import { clientCommand, connect } from '../client-command.ts'
import { eventLine } from '../event-line.ts'
import { print, printJson } from '../output.ts'
import { wait } from '../wait.ts'

type EventsOptions = ClientOptions & Readonly<{ pool?: string; since?: number; limit?: number; follow?: boolean }>
type Events = Readonly<{ last: number; events: readonly NoticeView[] }>

const POLL = 1_000

export function addEvents(program: Command): void {
  clientCommand(program, 'events', 'what happened, oldest first')
    .option('--pool <pool>', 'of this pool only')
    .option('--since <id>', 'only events after this id', wholeNumber)
    .option('--limit <count>', 'at most so many (default: 100)', wholeNumber)
    .option('--follow', 'go on until Ctrl-C; with --json one object a line')
    .action((options: EventsOptions) => (options.follow ? follow(options) : list(options)))
}

async function list(options: EventsOptions): Promise<void> {
  const answer = await ask(connect(options), options, options.since)
  if (options.json) return printJson(answer)
  for (const event of answer.events) print(eventLine(event))
}

async function follow(options: EventsOptions): Promise<never> {
  const client = connect(options)
  let answer = await ask(client, options, options.since)
  let seen = options.since ?? 0
  for (;;) {
    for (const event of answer.events) print(options.json ? JSON.stringify(event) : eventLine(event))
    seen = answer.events.at(-1)?.id ?? seen
    // More of them are waiting when there is a limit; otherwise there is nothing to do for a moment.
    if (answer.events.length === 0) await wait(POLL)
    answer = await ask(client, options, seen)
    // Its ids start at 1 again: it was restarted meanwhile.
    if (answer.last < seen) {
      seen = 0
      answer = await ask(client, options, seen)
    }
  }
}

function ask(client: AdminClient, { pool, limit }: EventsOptions, since: number | undefined): Promise<Events> {
  const query = new URLSearchParams({
    ...(pool !== undefined && { pool }),
    ...(since !== undefined && { since: String(since) }),
    ...(limit !== undefined && { limit: String(limit) }),
  })
  return client.get<Events>(`/events?${query}`)
}

function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}
