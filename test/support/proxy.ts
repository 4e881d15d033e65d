/** A whole proxy in this process, on ports of its own, without probes unless asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatProblem, parseConfig } from '../../src/config/load.ts'
import { createLogger } from '../../src/logging.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { Understudy } from '../../src/understudy.ts'
import { startUnderstudy } from '../../src/understudy.ts'

export type ProxyOptions = {
  upstreams: { name: string; port: number; url?: string; tls?: object; maxConnections?: number }[]
  poolOverrides?: object
  listenerOverrides?: object
  probe?: boolean
  /** Threads that carry the traffic. */
  workers?: number
  stateDir?: string
}

export type Proxy = { port: number; adminPort: number; understudy: Understudy; stop(): Promise<void> }

export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const own = options.stateDir === undefined ? await mkdtemp(join(tmpdir(), 'understudy-')) : null
  const text = JSON.stringify({
    admin: { listen: '127.0.0.1:0' },
    workers: options.workers ?? 1,
    state: { dir: options.stateDir ?? own },
    log: { level: 'silent', access: 'off' },
    listeners: { web: { protocol: 'http', listen: '127.0.0.1:0', pool: 'shop', ...options.listenerOverrides } },
    pools: {
      shop: {
        upstreams: withStandby(options.upstreams).map(({ name, port, url, tls, maxConnections }) => ({
          name,
          url: url ?? `http://127.0.0.1:${port}`,
          ...(tls ? { tls } : {}),
          ...(maxConnections === undefined ? {} : { maxConnections }),
        })),
        ...options.poolOverrides,
      },
    },
  })
  const parsed = parseConfig(text, { file: 'test', env: {} })
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'))
  const logger = createLogger({ level: 'silent', access: 'off', clock: systemClock, destination: '/dev/null' })
  const probing = options.probe ?? false
  const understudy = await startUnderstudy(parsed.config, { version: 'test', logger, probing })
  return {
    port: understudy.listeners[0]?.port ?? 0,
    adminPort: understudy.admin.port ?? 0,
    understudy,
    stop: async () => {
      understudy.kill()
      await understudy.stop()
      logger.close()
      if (own) await rm(own, { recursive: true, force: true })
    },
  }
}

/** The configuration wants a standby; one that nothing listens for is never asked without probes. */
function withStandby(upstreams: ProxyOptions['upstreams']): ProxyOptions['upstreams'] {
  return upstreams.length > 1 ? upstreams : [...upstreams, { name: 'nobody', port: 9 }]
}
