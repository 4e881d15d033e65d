// Caddy: tuned for an active/passive pair, that is, first upstream preferred, active checks, passive ejection on any 5xx; and with
// its defaults for all but the order and the path to check. A planned switch changes the upstreams' order by its admin API.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import {
  addressOf,
  type Contender,
  type ContenderOptions,
  httpRequest,
  RESPONSE_TIMEOUT_MS,
  ready,
  type Upstream,
} from './contender.ts'
import { programVersion } from './program-version.ts'

const HANDLER_ID = 'pair'

const upstreams = (order: readonly Upstream[]) => order.map((upstream) => ({ dial: addressOf(upstream) }))

const DEFAULTS = {
  load_balancing: { selection_policy: { policy: 'first' } },
  health_checks: { active: { uri: '/healthz' } },
}

const TUNED = {
  load_balancing: { selection_policy: { policy: 'first' }, try_duration: '3s', try_interval: '20ms' },
  health_checks: {
    active: { uri: '/healthz', interval: '100ms', timeout: '100ms', expect_status: 2 },
    passive: { fail_duration: '10s', max_fails: 1, unhealthy_status: [5] },
  },
  transport: {
    protocol: 'http',
    dial_timeout: '250ms',
    response_header_timeout: `${RESPONSE_TIMEOUT_MS}ms`,
    keep_alive: { idle_timeout: '60s', max_idle_conns_per_host: 128 },
  },
}

type Tuning = typeof TUNED | typeof DEFAULTS

const handler = ({ primary, standby }: ContenderOptions, tuning: Tuning) => ({
  '@id': HANDLER_ID,
  handler: 'reverse_proxy',
  upstreams: upstreams([primary, standby]),
  ...tuning,
})

const configure = (options: ContenderOptions, tuning: Tuning): string =>
  JSON.stringify(
    {
      admin: { listen: `127.0.0.1:${options.adminPort}`, config: { persist: false } },
      logging: { logs: { default: { level: 'ERROR' } } },
      apps: {
        http: {
          servers: {
            web: {
              listen: [`127.0.0.1:${options.listenPort}`],
              automatic_https: { disable: true },
              routes: [{ handle: [handler(options, tuning)] }],
            },
          },
        },
      },
    },
    null,
    2,
  )

const reorder = async (adminPort: number, order: readonly Upstream[]): Promise<void> => {
  const answer = await httpRequest(adminPort, 'PATCH', `/id/${HANDLER_ID}/upstreams`, upstreams(order))
  if (answer.status !== 200) throw new Error(`caddy refused the new order: ${answer.status} ${answer.text}`)
}

const start =
  (tuning: Tuning): Contender['start'] =>
  async (options) => {
    const file = join(options.workDir, 'caddy.json')
    const configuration = configure(options, tuning)
    writeFileSync(file, configuration)
    const child = await startChild({
      name: 'caddy',
      command: 'caddy',
      args: ['run', '--config', file],
      logFile: join(options.workDir, 'caddy.log'),
      // Its data and configuration folders would otherwise be those of the user.
      env: { GOMAXPROCS: '1', XDG_DATA_HOME: options.workDir, XDG_CONFIG_HOME: options.workDir },
      cpu: options.cpu,
    })
    await ready(child, options.listenPort)
    const { adminPort, primary, standby } = options
    return {
      pid: child.pid,
      configuration,
      log: child.output,
      stop: child.end,
      switchover: () => reorder(adminPort, [standby, primary]),
      failback: () => reorder(adminPort, [primary, standby]),
    }
  }

export const caddy: Contender = {
  name: 'caddy',
  hasSwitchoverApi: true,
  fronts: ['http'],
  available: () => programVersion('caddy', ['version'], /v?(\d\S*)/),
  start: start(TUNED),
}

export const caddyDefaults: Contender = {
  ...caddy,
  name: 'caddy-defaults',
  variantOf: caddy.name,
  start: start(DEFAULTS),
}
