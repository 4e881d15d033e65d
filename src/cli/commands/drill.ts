import process from 'node:process'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { DrillView } from '../../admin/drill-route.ts'
import type { ClientOptions } from '../client-command.ts'
import { clientCommand, connect, step } from '../client-command.ts'
import { drillReport } from '../drill-report.ts'
import { EXIT } from '../exit.ts'
import { print, printJson } from '../output.ts'

const MOST_REQUESTS = 200

type DrillOptions = ClientOptions & Readonly<{ upstream?: string; requests?: number; path?: string }>

export function addDrill(program: Command): void {
  clientCommand(
    program,
    'drill <pool>',
    'rehearse a failover: test a standby with probes and requests; changes nothing',
  )
    .option('--upstream <name>', 'whom to test (default: whoever would take over)')
    .option('--requests <count>', 'how many GET requests (default: 20)', wholeNumber)
    .option('--path <path>', 'what to GET (default: /)', pathOf)
    .action(drill)
}

async function drill(pool: string, options: DrillOptions): Promise<void> {
  const { upstream, requests, path } = options
  const body = {
    ...(upstream !== undefined && { upstream }),
    ...(requests !== undefined && { requests }),
    ...(path !== undefined && { path }),
  }
  const view = await connect(options).post<DrillView>(`/pools/${step(pool)}/drill`, body)
  if (view.verdict !== 'ready') process.exitCode = EXIT.notReady
  if (options.json) printJson(view)
  else print(drillReport(view))
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text) || Number(text) > MOST_REQUESTS)
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_REQUESTS}.`)
  return Number(text)
}

function pathOf(text: string): string {
  if (!/^\/[!-~]*$/.test(text)) throw new InvalidArgumentError('Expected a path that starts with /, such as /health.')
  return text
}
