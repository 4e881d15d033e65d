// The parent's handle on an origin that is a process of its own, on the load's core, and tells its two ports in one line.
import { join } from 'node:path'
import { firstLineOf } from '../process/answer-of.ts'
import { startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import { LOAD_CPU, type OriginPorts } from './targets.ts'

export type RunningOrigin = OriginPorts & { stop(): Promise<void> }

export const startOriginProcess = async (name: string, script: string, workDir: string): Promise<RunningOrigin> => {
  const child = await startChild({
    name,
    command: nodeBinary(),
    args: [script],
    logFile: join(workDir, `${name.replaceAll(' ', '-')}.log`),
    cpu: LOAD_CPU,
    pipeStdout: true,
  })
  const ports = await firstLineOf<OriginPorts>(child, 'its ports')
  return { ...ports, stop: child.end }
}
