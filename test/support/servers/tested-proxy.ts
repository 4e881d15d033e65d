/** Understudy as people run it, in a process of its own, on ports of its own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../bench/clock.ts'
import type { PoolView } from '../../../src/admin/views.ts'
import { type Finished, poolAt, UnderstudyProcess } from '../../e2e/support/understudy-process.ts'
import type { Workspace } from './workspace.ts'

export type TestedConfig = Readonly<{ listeners: object; pools: object }>

export class TestedProxy {
  private readonly process: UnderstudyProcess
  private readonly folder: string

  private constructor(process: UnderstudyProcess, folder: string) {
    this.process = process
    this.folder = folder
  }

  /** Resolves when it serves and knows how all its upstreams are. */
  static async start(config: TestedConfig, workspace: Workspace): Promise<TestedProxy> {
    const folder = workspace.folder(`understudy-${process.hrtime.bigint()}`)
    const file = join(folder, 'understudy.json')
    const own = { admin: { listen: '127.0.0.1:0' }, state: { dir: join(folder, 'state') }, log: { access: 'all' } }
    writeFileSync(file, JSON.stringify({ ...own, ...config }))
    const proxy = new TestedProxy(await UnderstudyProcess.start(['run', '--config', file], folder), folder)
    try {
      await proxy.process.says('understudy is running')
      for (const pool of Object.keys(config.pools)) {
        const known = ({ upstreams }: PoolView) => upstreams.every(({ health }) => health.status !== 'unknown')
        await proxy.until(pool, 'every upstream to be probed', known)
      }
    } catch (error) {
      await proxy.stop()
      throw error
    }
    return proxy
  }

  get output(): string {
    return this.process.output
  }

  port(listener: string): number {
    const line = this.lines().find(({ msg, name }) => msg === 'listening' && name === listener)
    return Number(line?.port)
  }

  pool(name: string): Promise<PoolView> {
    return poolAt(this.adminPort, name)
  }

  async until(pool: string, what: string, check: (view: PoolView) => boolean): Promise<void> {
    await until(`${what}, in pool ${pool}`, async () => check(await this.pool(pool)), 15_000)
  }

  /** `understudy COMMAND`, toward this one. */
  command(...args: readonly string[]): Promise<Finished> {
    return UnderstudyProcess.finished([...args, '--admin', `127.0.0.1:${this.adminPort}`], this.folder)
  }

  /** What the log says of sessions and requests that have ended. */
  sessions(): readonly LogLine[] {
    return this.lines().filter(({ msg }) => msg === 'session')
  }

  stop(): Promise<void> {
    return this.process.end()
  }

  private get adminPort(): number {
    const line = this.lines().find(({ msg }) => msg === 'understudy is running')
    return Number((line?.admin as { port?: number } | undefined)?.port)
  }

  private lines(): readonly LogLine[] {
    return this.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []))
  }
}

export type LogLine = Readonly<Record<string, unknown>>
