import type { Command } from 'commander'

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('a proxy before two small shops: kill one and watch')
    .option('--config <file>', 'configuration file (default: the one that comes with Understudy)')
    .action(async ({ config }: { config?: string }) => {
      // Loaded when needed: the proxy takes half a second to load, which no other command should wait for.
      const { demo } = await import('../demo.ts')
      await demo(config)
    })
}
