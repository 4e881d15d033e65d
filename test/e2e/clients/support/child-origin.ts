// An origin as its own process, so that it can be killed as a machine dies: told its name and where to write down what it
// executed, it says its port on its first line.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Execution, readExecutionLog } from '../../../../bench/origin/execution-log.ts'
import { answerOf, firstLineOf } from '../../../../bench/process/answer-of.ts'
import { type Child, startChild } from '../../../../bench/process/child.ts'
import { nodeBinary } from '../../../../bench/process/node-binary.ts'

export type ChildOriginOptions = {
  /** In this folder. */
  readonly program: `${string}.ts`
  readonly name: string
  readonly workDir: string
}

export class ChildOrigin {
  readonly name: string
  readonly port: number
  readonly #child: Child
  readonly #log: string

  private constructor(child: Child, log: string, { name, port }: { name: string; port: number }) {
    this.#child = child
    this.#log = log
    this.name = name
    this.port = port
  }

  static async start({ program, name, workDir }: ChildOriginOptions): Promise<ChildOrigin> {
    const log = join(workDir, `${name}.executions`)
    const child = await startChild({
      name: `origin ${name}`,
      command: nodeBinary(),
      args: [fileURLToPath(new URL(program, import.meta.url)), name, log],
      logFile: join(workDir, `${name}.log`),
      ipc: true,
      pipeStdout: true,
    })
    const { port } = await firstLineOf<{ port: number }>(child, 'its port')
    return new ChildOrigin(child, log, { name, port })
  }

  kill(): void {
    this.#child.signal('SIGKILL')
  }

  /** Resolves when it has said that it does so. */
  async does(what: string): Promise<void> {
    const done = answerOf(this.#child, what, (resolve) => {
      const onMessage = (message: unknown): void => {
        if (message !== what) return
        this.#child.process.off('message', onMessage)
        resolve(undefined)
      }
      this.#child.process.on('message', onMessage)
    })
    this.#child.process.send(what)
    await done
  }

  get running(): boolean {
    return this.#child.isRunning()
  }

  executions(): Execution[] {
    return readExecutionLog(this.#log)
  }

  async stop(): Promise<void> {
    this.kill()
    await this.#child.end()
  }
}
