// The command as people run it: `src/cli/understudy.js` in a process of its own, in a folder of its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../../bench/clock.ts'
import { httpRequest } from '../../../bench/contenders/contender.ts'
import { type Child, startChild } from '../../../bench/process/child.ts'
import { nodeBinary } from '../../../bench/process/node-binary.ts'
import type { PoolView } from '../../../src/admin/views.ts'

export const COMMAND = fileURLToPath(new URL('../../../src/cli/understudy.js', import.meta.url))

export type Finished = { readonly code: number | null; readonly output: string }

export class UnderstudyProcess {
  readonly child: Child
  readonly #log: string

  private constructor(child: Child, log: string) {
    this.child = child
    this.#log = log
  }

  static async start(args: readonly string[], folder: string): Promise<UnderstudyProcess> {
    const log = join(folder, `understudy-${process.hrtime.bigint()}.log`)
    writeFileSync(log, '')
    const env = { NO_COLOR: '1' }
    const options = {
      name: 'understudy',
      command: nodeBinary(),
      args: [COMMAND, ...args],
      logFile: log,
      cwd: folder,
      env,
    }
    return new UnderstudyProcess(await startChild(options), log)
  }

  /** For commands that are expected to end by themselves. */
  static async finished(args: readonly string[], folder: string): Promise<Finished> {
    const started = await UnderstudyProcess.start(args, folder)
    try {
      return { code: await started.exit(), output: started.output }
    } finally {
      await started.end()
    }
  }

  /** Everything it has written so far. */
  get output(): string {
    return readFileSync(this.#log, 'utf8')
  }

  says(what: string | RegExp, milliseconds = 10_000): Promise<void> {
    const said = (): boolean => {
      if (!this.child.isRunning()) throw new Error(`it ended before it said ${what}\n${this.output}`)
      return typeof what === 'string' ? this.output.includes(what) : what.test(this.output)
    }
    return until(`understudy to say ${what}`, said, milliseconds)
  }

  /** The exit code; 128 + n for signal n, as a shell tells it. */
  async exit(milliseconds = 10_000): Promise<number | null> {
    await until('understudy to end', () => !this.child.isRunning(), milliseconds)
    return this.child.process.exitCode
  }

  async kill(): Promise<void> {
    this.child.signal('SIGKILL')
    await this.child.exited
  }

  end(): Promise<void> {
    return this.child.end()
  }
}

export async function poolAt(adminPort: number, pool = 'shop'): Promise<PoolView> {
  return JSON.parse((await httpRequest(adminPort, 'GET', `/pools/${pool}`)).text) as PoolView
}

/** The state may not be there yet: the process may still be starting. */
export async function untilPool(
  adminPort: number,
  what: string,
  check: (view: PoolView) => boolean,
): Promise<PoolView> {
  let last: PoolView | undefined
  const looked = async (): Promise<boolean> => {
    last = await poolAt(adminPort).catch(() => undefined)
    return last !== undefined && check(last)
  }
  await until(what, looked, 10_000)
  return last as PoolView
}

export type Answer = { readonly status: number; readonly text: string }

/** As curl does it: one connection a request. */
export function get(port: number, path = '/', headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = { host: '127.0.0.1', port, path, headers: { 'X-Bench-Id': `get-${path}`, ...headers }, agent: false }
    const sent = request({ ...asked, timeout: 10_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.once('error', reject)
    })
    sent.once('timeout', () => sent.destroy(new Error(`no answer to GET ${path}`)))
    sent.once('error', reject)
    sent.end()
  })
}
