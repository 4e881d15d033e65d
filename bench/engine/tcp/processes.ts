// The parent's handles on the TCP origin and the TCP load, both on the load's core.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answerOf } from '../../process/answer-of.ts'
import { startChild } from '../../process/child.ts'
import { Interrupted } from '../../process/interrupted.ts'
import { nodeBinary } from '../../process/node-binary.ts'
import type { Run } from '../engine-bench.ts'
import { type RunningOrigin, startOriginProcess } from '../origin-process.ts'
import { LOAD_CPU } from '../targets.ts'
import type { TcpOrder, TcpReply } from './orders.ts'

const ORIGIN = fileURLToPath(new URL('./origin.ts', import.meta.url))
const LOAD = fileURLToPath(new URL('./load.ts', import.meta.url))
/** Beyond the ordered time: opening connections and waiting for the last bytes. */
const PATIENCE_MS = 15_000

export const startTcpOrigin = (workDir: string): Promise<RunningOrigin> =>
  startOriginProcess('TCP origin', ORIGIN, workDir)

export type TcpLoadProcess = { run(order: TcpOrder): Promise<Run>; stop(): Promise<void> }

export const startTcpLoad = async (workDir: string): Promise<TcpLoadProcess> => {
  const child = await startChild({
    name: 'TCP load',
    command: nodeBinary(),
    args: [LOAD],
    logFile: join(workDir, 'tcp-load.log'),
    cpu: LOAD_CPU,
    ipc: true,
  })
  const run = async (order: TcpOrder): Promise<Run> => {
    const deadlineMs = order.seconds * 1_000 + PATIENCE_MS
    const answered = (resolve: (reply: TcpReply) => void) => {
      child.process.once('message', (reply) => resolve(reply as TcpReply))
      // Where it cannot be sent, the process has ended, and that is noticed anyway.
      child.process.send(order, () => {})
    }
    const reply = await answerOf<TcpReply>(child, `the end of ${order.mode}`, answered, deadlineMs).catch((error) => {
      throw child.isRunning() ? error : new Interrupted(child.name)
    })
    if ('failed' in reply) throw new Error(reply.failed)
    return reply.run
  }
  return { run, stop: child.end }
}
