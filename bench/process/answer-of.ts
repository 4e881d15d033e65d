// What a child process says, or an error with its output: a child that dies or is silent must not hang the bench.
import { createInterface } from 'node:readline'
import type { Child } from './child.ts'

const ANSWER_DEADLINE_MS = 5_000

export const answerOf = <T>(
  child: Child,
  what: string,
  wait: (resolve: (value: T) => void) => void,
  deadlineMs = ANSWER_DEADLINE_MS,
): Promise<T> =>
  new Promise((resolve, reject) => {
    let settled = false
    const settle = (): boolean => {
      clearTimeout(timer)
      const first = !settled
      settled = true
      return first
    }
    const fail = (why: string) => {
      if (settle()) reject(new Error(`${child.name}: ${why} while waiting for ${what}\n${child.output()}`))
    }
    const timer = setTimeout(() => fail('no answer'), deadlineMs)
    void child.exited.then(() => fail('exited'))
    wait((value) => {
      if (settle()) resolve(value)
    })
  })

/** The first line of its standard output, which is JSON. Where that fails the child is ended. */
export const firstLineOf = async <T>(child: Child, what: string): Promise<T> => {
  try {
    return await answerOf<T>(child, what, (resolve) => {
      const stdout = child.process.stdout
      if (stdout) createInterface(stdout).once('line', (line) => resolve(JSON.parse(line) as T))
    })
  } catch (error) {
    await child.end()
    throw error
  }
}
