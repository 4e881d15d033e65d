/** The demo's upstreams: child processes that are started again when they die, and never outlive the demo. */
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isLoopback } from '../config/addresses.ts'
import type { Config, UpstreamConfig } from '../config/schema.ts'
import type { Cancel, Clock } from '../core/time.ts'
import { CliError } from './exit.ts'

/** Long enough to see the standby serve, short enough to wait for the failback. */
export const RESTART_AFTER = 5_000

// From the sources, or from what was built of them.
const SCRIPT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './demo-shop.ts' : './demo-shop.js', import.meta.url),
)

export type ShopEvent = Readonly<{ name: string; what: 'died' | 'restarted' | 'not restarted'; pid: number }>

export type Shops = Readonly<{ pidOf(name: string): number; stop(): void }>

export async function startShops(config: Config, clock: Clock, tell: (event: ShopEvent) => void): Promise<Shops> {
  const running = new Map<string, ChildProcess>()
  const restarts = new Set<Cancel>()
  let ending = false

  const keep = async (upstream: UpstreamConfig): Promise<void> => {
    const child = await startShop(upstream)
    const { name } = upstream
    running.set(name, child)
    child.on('exit', () => {
      if (ending) return
      tell({ name, what: 'died', pid: child.pid ?? 0 })
      const cancel = clock.after(RESTART_AFTER, () => {
        restarts.delete(cancel)
        keep(upstream).then(
          () => tell({ name, what: 'restarted', pid: running.get(name)?.pid ?? 0 }),
          () => tell({ name, what: 'not restarted', pid: 0 }),
        )
      })
      restarts.add(cancel)
    })
  }
  const stop = () => {
    ending = true
    for (const cancel of restarts) cancel()
    // Also one that somebody has stopped (SIGSTOP), which would hear nothing milder.
    for (const child of running.values()) child.kill('SIGKILL')
  }
  try {
    for (const { upstreams } of Object.values(config.pools)) for (const upstream of upstreams) await keep(upstream)
  } catch (error) {
    stop()
    throw error
  }
  return { pidOf: (name) => running.get(name)?.pid ?? 0, stop }
}

type Message = Readonly<{ ready?: true; failed?: string }>

function startShop({ name, url }: UpstreamConfig): Promise<ChildProcess> {
  const { protocol, host, port } = url
  if (protocol !== 'http' || !isLoopback({ kind: 'tcp', host, port, text: url.text })) {
    const hint = 'the demo starts its own upstreams: use http://127.0.0.1:PORT, or run your own with understudy run'
    throw new CliError(`demo upstream ${name}: ${url.text} is not an http address of this machine`, hint)
  }
  return new Promise((resolve, reject) => {
    const child = fork(SCRIPT, [name, host, String(port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const fail = (why: string) => {
      const hint = 'end the program that uses it, or change the url in the configuration of the demo'
      reject(new CliError(`demo upstream ${name}: cannot listen on ${host}:${port} (${why})`, hint))
    }
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`))
    child.once('message', ({ failed }: Message) => {
      if (failed !== undefined) return fail(failed)
      child.removeAllListeners('exit')
      resolve(child)
    })
  })
}
