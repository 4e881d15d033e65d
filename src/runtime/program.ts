/**
 * A program of the operator: without a shell, with a listed environment, and with output that is read whatever happens.
 * Whoever starts it says how long it may take, and ends it.
 */
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { kill } from 'node:process'
import type { Readable } from 'node:stream'

export type ProgramSetup = Readonly<{
  /** The program, and its arguments as they are. */
  argv: readonly string[]
  env: NodeJS.ProcessEnv
  /** A process group of its own, that can be ended as a whole. */
  ownGroup: boolean
}>

/** None of it is called before `startProgram` has returned. */
export interface ProgramWatcher {
  onOutput(bytes: Buffer): void
  onUnstarted(why: string): void
  /** What it said last may still be in its pipes for so long; `onRead` may come before, or never. */
  onExit(code: number | null, signal: string | null, lastWords: number): void
  /** All that it said has been read. A program that it left in the background may hold the pipes. */
  onRead(): void
}

/** The most of its output that is kept. */
export const MAX_OUTPUT = 4_096
const LAST_WORDS = 100

type Child = ChildProcessByStdio<null, Readable, Readable>

export class Program {
  private readonly child: Child | null

  constructor(child: Child | null) {
    this.child = child
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.child?.kill(signal)
  }

  /** With all that it has started: `kill` would leave that. */
  killGroup(): void {
    // Without a process there is no group, and zero would mean our own.
    if (!this.child?.pid) return
    try {
      kill(-this.child.pid, 'SIGKILL')
    } catch {
      // Nobody of the group is left.
    }
  }

  /** Nobody listens any more. */
  letGo(): void {
    this.child?.stdout.destroy()
    this.child?.stderr.destroy()
  }
}

/** Never throws: a program that cannot be started is an outcome like any other. */
export function startProgram({ argv, env, ownGroup }: ProgramSetup, watcher: ProgramWatcher): Program {
  const [program = '', ...rest] = argv
  const unstarted = (error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error)
    watcher.onUnstarted(`${program || 'the program'} cannot be started: ${why}`)
  }
  try {
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    const child = spawn(program, rest, { shell: false, windowsHide: true, detached: ownGroup, stdio, env })
    child.on('error', unstarted)
    watch(child, watcher)
    return new Program(child)
  } catch (error) {
    queueMicrotask(() => unstarted(error))
    return new Program(null)
  }
}

function watch(child: Child, watcher: ProgramWatcher): void {
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => watcher.onOutput(bytes))
    stream.on('error', () => {})
  }
  child.on('exit', (code, signal) => {
    child.on('close', () => watcher.onRead())
    watcher.onExit(code, signal, LAST_WORDS)
  })
}
