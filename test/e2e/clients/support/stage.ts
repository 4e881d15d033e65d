// What a test of real clients stands on: a folder, certificates, origins, and the proxy as people run it. All of it is ended
// and removed together.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ready } from '../../../../bench/contenders/contender.ts'
import { type OriginProcess, startOrigin } from '../../../../bench/origin/origin-process.ts'
import { freePorts } from '../../../../bench/process/free-port.ts'
import { makeTemporaryFolder, type TemporaryFolder } from '../../../../bench/process/temporary-folder.ts'
import type { PoolView } from '../../../../src/admin/views.ts'
import { UnderstudyProcess } from '../../support/understudy-process.ts'
import { ProxyView } from './proxy-view.ts'

type Resource = { stop(): Promise<void> }

/** `listeners` and `pools` as the file has them; JSON is YAML. */
export type Configuration = { readonly listeners: object; readonly pools: Readonly<Record<string, object>> }

export class Stage {
  readonly #folder: TemporaryFolder = makeTemporaryFolder()
  readonly #resources: Resource[] = []

  get folder(): string {
    return this.#folder.path
  }

  keep<T extends Resource>(resource: T): T {
    this.#resources.push(resource)
    return resource
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): string {
    const path = this.path(name)
    writeFileSync(path, text)
    return path
  }

  /** The shop of the bench, in a process of its own. */
  async shop(name: string): Promise<OriginProcess> {
    return this.keep(await startOrigin({ name, workDir: this.folder }))
  }

  /** Ready, with all upstreams of all pools healthy, or of those that are named. */
  async proxy(
    { listeners, pools }: Configuration,
    { healthy = Object.keys(pools) }: { readonly healthy?: readonly string[] } = {},
  ): Promise<ProxyView> {
    const [adminPort = 0] = await freePorts(1)
    const own = { admin: { listen: `127.0.0.1:${adminPort}` }, state: { dir: this.path('state') } }
    const log = { level: 'warn', access: 'all' }
    const file = this.write('understudy.yaml', JSON.stringify({ ...own, log, listeners, pools }))
    const running = await UnderstudyProcess.start(['run', '--config', file], this.folder)
    this.keep({ stop: () => running.end() })
    await ready(running.child, adminPort, '/readyz')
    const view = new ProxyView(running, adminPort)
    for (const pool of healthy) {
      const all = ({ upstreams }: PoolView): boolean => upstreams.every(({ health }) => health.status === 'healthy')
      await view.untilPool(`all of ${pool} to be healthy`, all, pool)
    }
    return view
  }

  async stop(): Promise<void> {
    // Last started, first ended: the proxy must not meet a dead pair.
    for (const resource of this.#resources.splice(0).reverse()) await resource.stop()
    this.#folder.remove()
  }
}
