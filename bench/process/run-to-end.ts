// A program that measures, says so and ends.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from './child.ts'
import { Interrupted } from './interrupted.ts'

export type Program = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly workDir: string
  readonly cpu: number | undefined
}

/** Everything that it wrote. */
export const runToEnd = async ({ name, command, args, workDir, cpu }: Program): Promise<string> => {
  const logFile = join(workDir, `${name}-${process.hrtime.bigint()}.txt`)
  const child = await startChild({ name, command, args, logFile, cpu })
  await child.exited
  await child.end()
  if (child.process.signalCode !== null) throw new Interrupted(name)
  return readFileSync(logFile, 'utf8')
}
