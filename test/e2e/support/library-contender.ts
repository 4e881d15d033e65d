// Understudy inside an application: an own process that is measured like any other proxy.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Contender, frontReady, httpRequest, ready } from '../../../bench/contenders/contender.ts'
import { startChild } from '../../../bench/process/child.ts'
import { nodeBinary } from '../../../bench/process/node-binary.ts'
import type { LibrarySettings } from './library-app.ts'

const APP = fileURLToPath(new URL('library-app.ts', import.meta.url))

export const libraryContender: Contender = {
  name: 'library',
  hasSwitchoverApi: true,
  fronts: ['http'],
  available: () => 'this checkout',
  start: async (options) => {
    const { listenPort, adminPort, workDir } = options
    const settings: LibrarySettings = {
      listenPort,
      adminPort,
      upstreams: [options.primary, options.standby].map(({ name, port }) => ({
        name,
        url: `http://127.0.0.1:${port}`,
      })),
      stateDir: join(workDir, 'state'),
    }
    const configuration = JSON.stringify(settings)
    const child = await startChild({
      name: 'application',
      command: nodeBinary(),
      args: [APP, configuration],
      logFile: join(workDir, 'application.log'),
      cwd: workDir,
    })
    await ready(child, adminPort, '/readyz')
    await frontReady(child, options)
    const command = async (name: string): Promise<void> => {
      const { status } = await httpRequest(adminPort, 'POST', `/${name}`, {})
      if (status !== 200) throw new Error(`the application refused the ${name}: ${status}\n${child.output()}`)
    }
    return {
      pid: child.pid,
      configuration,
      log: child.output,
      stop: child.end,
      switchover: () => command('switchover'),
      failback: () => command('failback'),
    }
  },
}
