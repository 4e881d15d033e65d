// http-proxy 1.18: the library that the product's users come from. See http-proxy-server.ts for what it is made to do.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import { addressOf, type Contender, RESPONSE_TIMEOUT_MS, ready, type Upstream } from './contender.ts'

const SERVER = fileURLToPath(new URL('./http-proxy-server.ts', import.meta.url))
const MANIFEST = new URL('../../node_modules/http-proxy/package.json', import.meta.url)

export const httpProxy: Contender = {
  name: 'http-proxy',
  hasSwitchoverApi: false,
  fronts: ['http'],
  available: () => {
    try {
      return (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version
    } catch {
      return null
    }
  },
  start: async ({ listenPort, primary, standby, workDir, cpu }) => {
    const target = (upstream: Upstream) => `http://${addressOf(upstream)}`
    const given = [listenPort, target(primary), target(standby), RESPONSE_TIMEOUT_MS].map(String)
    const child = await startChild({
      name: 'http-proxy',
      command: nodeBinary(),
      // It calls util._extend, whose deprecation notice would only fill the log.
      args: ['--no-deprecation', SERVER, ...given],
      logFile: join(workDir, 'http-proxy.log'),
      cpu,
    })
    await ready(child, listenPort)
    return { pid: child.pid, configuration: readFileSync(SERVER, 'utf8'), log: child.output, stop: child.end }
  },
}
