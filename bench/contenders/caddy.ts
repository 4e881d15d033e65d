// Caddy, tuned for an active/passive pair: first upstream preferred, active checks, passive ejection on any 5xx. A planned
// switch is a change of the upstreams' order through its admin API.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import {
  type Contender,
  type ContenderOptions,
  httpRequest,
  RESPONSE_TIMEOUT_MS,
  ready,
  type Upstream,
} from './contender.ts'
import { programVersion } from './program-version.ts'

const HANDLER_ID = 'pair'

const upstreams = (order: readonly Upstream[]) => order.map(({ port }) => ({ dial: `127.0.0.1:${port}` }))

const handler = ({ primary, standby }: ContenderOptions) => ({
  '@id': HANDLER_ID,
  handler: 'reverse_proxy',
  upstreams: upstreams([primary, standby]),
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
})

const configure = (options: ContenderOptions): string =>
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
              routes: [{ handle: [handler(options)] }],
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

export const caddy: Contender = {
  name: 'caddy',
  hasSwitchoverApi: true,
  fronts: ['http'],
  available: () => programVersion('caddy', ['version'], /v?(\d\S*)/),
  start: async (options) => {
    const file = join(options.workDir, 'caddy.json')
    const configuration = configure(options)
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
  },
}
