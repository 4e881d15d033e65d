// The parent's handle on one origin process: start it, make it misbehave, kill it, start it again, read what it executed.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { now } from '../clock.ts'
import { answerOf, firstLineOf } from '../process/answer-of.ts'
import { type Child, startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import { type Execution, readExecutionLog } from './execution-log.ts'
import type { MisbehaviourName } from './misbehaviour/registry.ts'

const ORIGIN = fileURLToPath(new URL('./origin.ts', import.meta.url))
const LOOPBACK = '127.0.0.1'

export type OriginOptions = {
  readonly name: string
  readonly workDir: string
  /** Given when a restarted origin must come back where it was; otherwise any free one. */
  readonly port?: number
  readonly keepAliveTimeoutMs?: number
  /** Where it runs, when not here: its address there, and what its command is preceded by. */
  readonly network?: { readonly host: string; readonly enter: readonly string[] } | undefined
}

export type OriginProcess = {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly pid: number
  /** Resolves with the monotonic moment at which the fault was in force. */
  misbehave(name: MisbehaviourName): Promise<number>
  /** Returns the moment of the signal. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): number
  /** Of one that was killed: a new process on the same port, which continues its log. Resolves when it listens. */
  restart(): Promise<number>
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

type Launched = { readonly child: Child; readonly port: number }

const launch = async (options: OriginOptions, log: string): Promise<Launched> => {
  const { name, workDir, port = 0, keepAliveTimeoutMs, network } = options
  const host = network?.host ?? LOOPBACK
  const args = [ORIGIN, '--name', name, '--log', log, '--host', host, '--port', String(port)]
  if (keepAliveTimeoutMs !== undefined) args.push('--keep-alive-timeout', String(keepAliveTimeoutMs))
  const [command, ...rest] = [...(network?.enter ?? []), nodeBinary(), ...args]
  const child = await startChild({
    name: `origin ${name}`,
    command: command as string,
    args: rest,
    logFile: join(workDir, `${name}.log`),
    ipc: true,
    pipeStdout: true,
  })
  return { child, ...(await firstLineOf<{ port: number }>(child, 'its port')) }
}

export const startOrigin = async (options: OriginOptions): Promise<OriginProcess> => {
  const log = join(options.workDir, `${options.name}.executions`)
  let { child, port } = await launch(options, log)
  return {
    name: options.name,
    host: options.network?.host ?? LOOPBACK,
    port,
    get pid() {
      return child.pid
    },
    misbehave: (name) => misbehave(child, name),
    signal: (signal) => {
      child.signal(signal)
      return now()
    },
    restart: async () => {
      await child.end()
      ;({ child, port } = await launch({ ...options, port }, log))
      return now()
    },
    isRunning: () => child.isRunning(),
    executions: () => readExecutionLog(log),
    // SIGKILL at once: it also ends a stopped process, and the log is complete at every moment.
    stop: async () => {
      child.signal('SIGKILL')
      await child.end()
    },
  }
}
