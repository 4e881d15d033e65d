// The parent's handle on one origin process: start it, make it misbehave, kill it, read what it executed.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { now } from '../clock.ts'
import { answerOf, firstLineOf } from '../process/answer-of.ts'
import { type Child, startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import { type Execution, readExecutionLog } from './execution-log.ts'
import type { MisbehaviourName } from './misbehaviour/registry.ts'

const ORIGIN = fileURLToPath(new URL('./origin.ts', import.meta.url))

export type OriginOptions = {
  readonly name: string
  readonly workDir: string
  /** Given when a restarted origin must come back where it was; otherwise any free one. */
  readonly port?: number
  readonly keepAliveTimeoutMs?: number
}

export type OriginProcess = {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** Resolves with the monotonic moment at which the fault was in force. */
  misbehave(name: MisbehaviourName): Promise<number>
  /** Returns the moment of the signal. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): number
  isRunning(): boolean
  executions(): Execution[]
  stop(): Promise<void>
}

const misbehave = (child: Child, name: MisbehaviourName): Promise<number> =>
  answerOf(child, `the fault ${name}`, (resolve) => {
    const onMessage = (message: unknown) => {
      const { misbehaving, at } = message as { misbehaving?: string; at?: number }
      if (misbehaving !== name || at === undefined) return
      child.process.off('message', onMessage)
      resolve(at)
    }
    child.process.on('message', onMessage)
    child.process.send({ misbehave: name })
  })

export const startOrigin = async (options: OriginOptions): Promise<OriginProcess> => {
  const log = join(options.workDir, `${options.name}.executions`)
  const args = [ORIGIN, '--name', options.name, '--log', log, '--port', String(options.port ?? 0)]
  if (options.keepAliveTimeoutMs !== undefined) args.push('--keep-alive-timeout', String(options.keepAliveTimeoutMs))
  const child = await startChild({
    name: `origin ${options.name}`,
    command: nodeBinary(),
    args,
    logFile: join(options.workDir, `${options.name}.log`),
    ipc: true,
    pipeStdout: true,
  })
  const { port } = await firstLineOf<{ port: number }>(child, 'its port')
  return {
    name: options.name,
    port,
    pid: child.pid,
    misbehave: (name) => misbehave(child, name),
    signal: (signal) => {
      child.signal(signal)
      return now()
    },
    isRunning: child.isRunning,
    executions: () => readExecutionLog(log),
    // SIGKILL at once: it also ends a stopped process, and the log is complete at every moment.
    stop: async () => {
      child.signal('SIGKILL')
      await child.end()
    },
  }
}
