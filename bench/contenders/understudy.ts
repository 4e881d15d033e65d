// Understudy itself, from this checkout, with its default settings: only addresses and the health path are given.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import { type Contender, type ContenderOptions, httpRequest, ready } from './contender.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
const COMMAND = join(CHECKOUT, 'src/cli/understudy.js')
const POOL = 'shop'

const configure = ({ listenPort, adminPort, primary, standby, workDir }: ContenderOptions): string => `
admin: { listen: "127.0.0.1:${adminPort}" }
state: { dir: "${join(workDir, 'state')}" }
log: { level: warn, access: "off" }
listeners:
  web: { protocol: http, listen: "127.0.0.1:${listenPort}", pool: ${POOL} }
pools:
  ${POOL}:
    upstreams:
      - { name: ${primary.name}, url: "http://127.0.0.1:${primary.port}" }
      - { name: ${standby.name}, url: "http://127.0.0.1:${standby.port}" }
    probe: { type: http, path: /healthz }
`

const command = async (adminPort: number, name: 'switchover' | 'failback'): Promise<void> => {
  const answer = await httpRequest(adminPort, 'POST', `/pools/${POOL}/${name}`, {})
  if (answer.status >= 300) throw new Error(`understudy refused the ${name}: ${answer.status} ${answer.text}`)
}

export const understudy: Contender = {
  name: 'understudy',
  hasSwitchoverApi: true,
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
    await ready(child, options.listenPort)
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
