// A proxy that people build in Node with a library: a small server of ours around it, in `bench/contenders/*-server.ts`, started as
//   node SERVER LISTEN_PORT PRIMARY_URL STANDBY_URL RESPONSE_TIMEOUT_MS
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import { addressOf, type Contender, RESPONSE_TIMEOUT_MS, ready, type Upstream } from './contender.ts'

const PACKAGES = new URL('../../node_modules/', import.meta.url)

type Library = {
  readonly name: string
  readonly package: string
  readonly server: string
  readonly engineOnly?: boolean
}

const versionOf = (name: string): string | null => {
  try {
    return (JSON.parse(readFileSync(new URL(`${name}/package.json`, PACKAGES), 'utf8')) as { version: string }).version
  } catch {
    return null
  }
}

export const libraryContender = ({ name, package: dependency, server, engineOnly = false }: Library): Contender => {
  const script = fileURLToPath(new URL(server, import.meta.url))
  return {
    name,
    engineOnly,
    hasSwitchoverApi: false,
    fronts: ['http'],
    available: () => versionOf(dependency),
    start: async ({ listenPort, primary, standby, workDir, cpu }) => {
      const target = (upstream: Upstream) => `http://${addressOf(upstream)}`
      const given = [listenPort, target(primary), target(standby), RESPONSE_TIMEOUT_MS].map(String)
      const child = await startChild({
        name,
        command: nodeBinary(),
        // http-proxy calls util._extend, whose deprecation notice would only fill the log.
        args: ['--no-deprecation', script, ...given],
        logFile: join(workDir, `${name}.log`),
        cpu,
      })
      await ready(child, listenPort)
      return { pid: child.pid, configuration: readFileSync(script, 'utf8'), log: child.output, stop: child.end }
    },
  }
}
