import type { Command } from 'commander'
import { CliError, EXIT } from '../exit.ts'

export type RunFlags = Readonly<{ primary?: string; standby?: readonly string[]; listen?: string; admin?: string }>

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run the proxy')
    .requiredOption('--config <file>', 'configuration file, YAML or JSON')
    .action(async ({ config }: { config: string }) => {
      const { serve, configOfFile } = await proxy()
      await serve(configOfFile(config), config)
    })
}

/** Without a file: `understudy --primary URL --standby URL --listen :8080`. */
export async function runWithFlags({ primary, standby, listen, admin }: RunFlags): Promise<void> {
  if (primary === undefined || standby === undefined || listen === undefined) {
    const needed = { '--primary URL': primary, '--standby URL': standby, '--listen ADDRESS': listen }
    const missing = Object.entries(needed).flatMap(([flag, given]) => (given === undefined ? [flag] : []))
    throw new CliError(
      `missing: ${missing.join(', ')}`,
      'give all three, or use understudy run --config FILE',
      EXIT.usage,
    )
  }
  const { serve, configOfFlags } = await proxy()
  await serve(configOfFlags({ primary, standby, listen, admin }), null)
}

/** Loaded when needed: it takes half a second, which no other command should wait for. */
async function proxy() {
  const [{ serve }, { configOfFile, configOfFlags }] = await Promise.all([
    import('../serve.ts'),
    import('../configuration.ts'),
  ])
  return { serve, configOfFile, configOfFlags }
}
