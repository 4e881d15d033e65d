// Starts and ends the programs of a trial. Each child leads its own process group, so ending it ends its workers too (an
// nginx master that is killed would leave them behind), and only groups started here are ever signalled, by their own id.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'

const POLITE_MS = 1_500
const LOG_TAIL = 1_500

export type Child = {
  readonly name: string
  readonly pid: number
  readonly process: ChildProcess
  readonly exited: Promise<void>
  isRunning(): boolean
  /** The end of what it wrote, for error messages. */
  output(): string
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, a short patience, then SIGKILL to the whole group. Safe to call twice. */
  end(): Promise<void>
}

export type ChildOptions = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Pin to this core. taskset replaces itself by the program, so the process id stays the program's. */
  readonly cpu?: number | undefined
  readonly ipc?: boolean
  /** Leave stdout to the caller instead of the log file. */
  readonly pipeStdout?: boolean
}

const alive = new Set<Child>()

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is already gone, which is what every caller wants.
  }
}

const killAllNow = (): void => {
  for (const child of alive) signalGroup(child.pid, 'SIGKILL')
}

let guarded = false
const guardExit = (): void => {
  if (guarded) return
  guarded = true
  process.on('exit', killAllNow)
}

/** For command lines: an interrupt ends the children in their polite way, then us; `exit` handles whatever is left. */
export const endChildrenOnSignals = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, async () => {
      await Promise.all([...alive].map((child) => child.end()))
      process.exit(128 + constants.signals[signal])
    })
  }
}

// A test runner's NODE_OPTIONS (loaders, inspectors, coverage) must not leak into what is measured.
const cleanEnv = (extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => {
  const { NODE_OPTIONS: _dropped, ...rest } = process.env
  return { ...rest, ...extra }
}

const spawnChild = (options: ChildOptions): ChildProcess => {
  const pinned = options.cpu === undefined ? [] : ['taskset', '-c', String(options.cpu)]
  const [command, ...args] = [...pinned, options.command, ...options.args]
  const log = openSync(options.logFile, 'a')
  try {
    return spawn(command as string, args, {
      stdio: ['ignore', options.pipeStdout ? 'pipe' : log, log, ...(options.ipc ? (['ipc'] as const) : [])],
      env: cleanEnv(options.env),
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
  } finally {
    closeSync(log)
  }
}

const endPolitely = async (child: Child): Promise<void> => {
  if (!child.isRunning()) {
    // The leader is gone; a worker it left behind would still be in the group.
    signalGroup(child.pid, 'SIGKILL')
    return
  }
  signalGroup(child.pid, 'SIGTERM')
  const patience = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), POLITE_MS)
  await child.exited
  clearTimeout(patience)
  signalGroup(child.pid, 'SIGKILL')
}

export const startChild = async (options: ChildOptions): Promise<Child> => {
  guardExit()
  const spawned = spawnChild(options)
  const exited = new Promise<void>((resolve) => spawned.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    spawned.once('spawn', resolve)
    spawned.once('error', (error) => reject(new Error(`${options.name} could not be started: ${error.message}`)))
  })
  const child: Child = {
    name: options.name,
    pid: spawned.pid as number,
    process: spawned,
    exited,
    isRunning: () => spawned.exitCode === null && spawned.signalCode === null,
    output: () => readFileSync(options.logFile, 'utf8').slice(-LOG_TAIL),
    signal: (signal) => void spawned.kill(signal),
    end: async () => {
      // Once only: later the id may belong to somebody else.
      if (!alive.delete(child)) return child.exited
      await endPolitely(child)
    },
  }
  alive.add(child)
  return child
}
