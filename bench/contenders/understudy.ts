// Understudy itself, from this checkout, with its default settings: only addresses, the health path and, for TLS, the
// certificate are given.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import { type Contender, type ContenderOptions, frontReady, httpRequest, ready } from './contender.ts'
import { HTTP } from './front.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
const COMMAND = join(CHECKOUT, 'src/cli/understudy.js')
const POOL = 'shop'

const listener = ({ listenPort, front = HTTP }: ContenderOptions): string => {
  const common = `listen: "127.0.0.1:${listenPort}", pool: ${POOL}`
  switch (front.protocol) {
    case 'http':
      return `{ protocol: http, ${common} }`
    case 'tls': {
      const { certFile, keyFile } = front.certificate
      return `{ protocol: http, ${common}, tls: { cert: "${certFile}", key: "${keyFile}" } }`
    }
    case 'tcp':
      return `{ protocol: tcp, ${common} }`
  }
}

const configure = (options: ContenderOptions): string => {
  const { adminPort, primary, standby, workDir, front = HTTP } = options
  const [scheme, probe] =
    front.protocol === 'tcp' ? ['tcp', '{ type: tcp }'] : ['http', '{ type: http, path: /healthz }']
  return `
admin: { listen: "127.0.0.1:${adminPort}" }
state: { dir: "${join(workDir, 'state')}" }
log: { level: warn, access: "off" }
listeners:
  web: ${listener(options)}
pools:
  ${POOL}:
    upstreams:
      - { name: ${primary.name}, url: "${scheme}://127.0.0.1:${primary.port}" }
      - { name: ${standby.name}, url: "${scheme}://127.0.0.1:${standby.port}" }
    probe: ${probe}
`
}

const command = async (adminPort: number, name: 'switchover' | 'failback'): Promise<void> => {
  const answer = await httpRequest(adminPort, 'POST', `/pools/${POOL}/${name}`, {})
  if (answer.status >= 300) throw new Error(`understudy refused the ${name}: ${answer.status} ${answer.text}`)
}

export const understudy: Contender = {
  name: 'understudy',
  hasSwitchoverApi: true,
  fronts: ['http', 'tls', 'tcp'],
  available: () => {
    if (!existsSync(COMMAND)) return null
    return (JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string }).version
  },
  start: async (options) => {
    const file = join(options.workDir, 'understudy.yaml')
    const configuration = configure(options)
    writeFileSync(file, configuration)
    const child = await startChild({
      name: 'understudy',
      command: nodeBinary(),
      args: [COMMAND, 'run', '--config', file],
      logFile: join(options.workDir, 'understudy.log'),
      cwd: options.workDir,
      cpu: options.cpu,
    })
    await ready(child, options.adminPort, '/readyz')
    await frontReady(child, options)
    return {
      pid: child.pid,
      configuration,
      log: child.output,
      stop: child.end,
      switchover: () => command(options.adminPort, 'switchover'),
      failback: () => command(options.adminPort, 'failback'),
    }
  },
}
