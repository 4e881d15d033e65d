/** Runs the proxy in this process until a signal ends it. */
import process from 'node:process'
import type { Config } from '../config/schema.ts'
import type { Logger } from '../logging.ts'
import { createLogger } from '../logging.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Understudy } from '../understudy.ts'
import { startUnderstudy } from '../understudy.ts'
import { version } from '../version.ts'
import { endOnSignals } from './shutdown.ts'

export async function serve(config: Config, configFile: string | null): Promise<void> {
  const logger = createLogger({ level: config.log.level, access: config.log.access, clock: systemClock })
  process.on('exit', logger.writeLast)
  const { PATH: path } = process.env
  const understudy = await startUnderstudy(config, {
    version: version(),
    logger,
    rehearses: true,
    ...(path ? { path } : {}),
  })
  announce(logger, understudy, configFile)
  endOnSignals({
    clock: systemClock,
    drain: async (signal) => {
      logger.log.info({ signal }, 'draining: no new work is accepted; a second signal ends at once')
      logger.flush()
      await understudy.stop()
      await logger.close()
    },
    kill: understudy.kill,
  })
  process.on('SIGHUP', () => {
    // Whoever sends it to a service expects a reload, not the end of the service. A closed terminal means the end.
    if (process.stdout.isTTY) process.kill(process.pid, 'SIGTERM')
    else logger.log.warn('SIGHUP: this version reads its configuration at the start only; restart to apply changes')
  })
}

function announce({ log, flush }: Logger, { listeners, admin }: Understudy, configFile: string | null): void {
  for (const listener of listeners) log.info(listener, 'listening')
  log.info({ admin, config: configFile ?? 'command line' }, 'understudy is running')
  flush()
}
