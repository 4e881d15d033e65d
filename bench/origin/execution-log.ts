// What an origin really did, one line an event, written before the client can learn of it. Duplicates and lost
// acknowledgements are counted from these lines, never inferred from answers.
//   executed <id> <origin> <method> <monotonic ms>     the request took effect
//   refused  <id> <origin> <method> <monotonic ms>     it arrived, was answered with an error, and had no effect
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'

export type Execution = {
  readonly kind: 'executed' | 'refused'
  readonly id: string
  readonly origin: string
  readonly method: string
  readonly at: number
}

export type ExecutionLog = { write(entry: Execution): void; close(): void }

// O_APPEND and a synchronous write: the line is in the page cache when writeSync returns, and survives SIGKILL a microsecond
// later. No fsync: the machine is not what fails here.
export const openExecutionLog = (file: string): ExecutionLog => {
  const fd = openSync(file, 'a')
  return {
    write: (entry) => {
      writeSync(fd, `${entry.kind} ${entry.id} ${entry.origin} ${entry.method} ${entry.at.toFixed(3)}\n`)
    },
    close: () => closeSync(fd),
  }
}

const parseLine = (line: string): Execution => {
  const [kind, id, origin, method, at] = line.split(' ')
  if ((kind !== 'executed' && kind !== 'refused') || !id || !origin || !method || !at) {
    throw new Error(`damaged execution log line: ${JSON.stringify(line)}`)
  }
  return { kind, id, origin, method, at: Number(at) }
}

export const readExecutionLog = (file: string): Execution[] => {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLine)
}
