/** `npm start`: the proxy before two small shops, with instructions to kill one and watch. */
import process from 'node:process'
import { rehearse } from '../assembly/rehearsal.ts'
import type { Config } from '../config/schema.ts'
import { createLogger } from '../logging.ts'
import { isoTime, systemClock } from '../runtime/clock.ts'
import type { Understudy } from '../understudy.ts'
import { startUnderstudy } from '../understudy.ts'
import { version } from '../version.ts'
import { configOfFile, DEFAULT_FILE } from './configuration.ts'
import type { ShopEvent, Shops } from './demo-shops.ts'
import { RESTART_AFTER, startShops } from './demo-shops.ts'
import { eventLine } from './event-line.ts'
import { paint, print } from './output.ts'
import { endOnSignals } from './shutdown.ts'

export async function demo(file: string = DEFAULT_FILE): Promise<void> {
  const config = configOfFile(file)
  const shops = await startShops(config, systemClock, tellOfShop)
  process.on('exit', shops.stop)
  // People read this terminal: events as sentences, and of the log only what is wrong.
  const logger = createLogger({ level: 'fatal', access: 'off', clock: systemClock })
  await rehearse({ version: version(), logger })
  const understudy = await startUnderstudy(config, { version: version(), logger })
  endOnSignals({
    clock: systemClock,
    drain: () => {
      print('ending: finishing what is in flight (Ctrl-C again to end at once)')
      return understudy.stop()
    },
    kill: understudy.kill,
  })
  print(instructions(config, understudy, shops))
  understudy.notices.listen((notice) => print(eventLine({ ...notice, at: isoTime(notice.at) })))
}

function instructions(config: Config, { listeners, admin, pools }: Understudy, shops: Shops): string {
  const pool = [...pools.values()][0]
  const active = pool?.route.active ?? ''
  const others = Object.values(config.pools).flatMap(({ upstreams }) =>
    upstreams.filter(({ name }) => name !== active).map(({ name }) => `${name} (pid ${shops.pidOf(name)})`),
  )
  const web = place(listeners[0] ?? { address: '127.0.0.1', port: null })
  const api = place(admin)
  const pid = shops.pidOf(active)
  return [
    paint('bold', `Understudy ${version()}: ${active} (pid ${pid}) is active, ${others.join(', ')} stands by.`),
    `  ask      curl ${web}                      (or http://${web} in a browser)`,
    `  kill     kill -9 ${pid}                        (it comes back after ${RESTART_AFTER / 1_000}s)`,
    `  hang     kill -STOP ${pid}                     (and kill -CONT ${pid})`,
    `  look     curl ${api}/upstreams`,
    '           npx understudy status',
    `           npx understudy explain ${pool?.name ?? ''}`,
    '           npx understudy events --follow',
    `  switch   npx understudy switchover ${pool?.name ?? ''}`,
    `  API      http://${api}/docs`,
    '  end      Ctrl-C',
  ].join('\n')
}

function place({ address, port }: Readonly<{ address: string; port: number | null }>): string {
  if (port === null) return address
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function tellOfShop({ name, what, pid }: ShopEvent): void {
  const now = isoTime(systemClock.now())
  if (what === 'restarted') print(`${now} demo: ${name} is back, pid ${pid}`)
  else if (what === 'died')
    print(`${now} demo: ${name} (pid ${pid}) has ended; it comes back in ${RESTART_AFTER / 1_000}s`)
  else print(`${now} demo: ${name} could not be started again; its port is in use`)
}
