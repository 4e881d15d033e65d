/**
 * Runs an operator's program during a switch. Without a shell, with a listed environment, with a deadline, and with
 * bounded output: a hook can fail a switch, but it cannot hang or flood the proxy.
 */
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Cancel, Clock } from '../core/time.ts'
import type { HookRun } from './pool-runtime.ts'

export type HookOptions = Readonly<{
  timeout: number
  /** Where programs are looked for: the only variable that is handed on. */
  path: string
  clock: Clock
}>

export type HookResult = Readonly<{ ok: boolean; detail: string }>

/** From SIGTERM to SIGKILL. */
const GRACE = 1_000
/** For what a program that has ended may still have in its pipes. */
const LAST_WORDS = 100
const MAX_OUTPUT = 4_096
/** Of the output, in the detail that people read. */
const SHOWN = 300

type Child = ChildProcessByStdio<null, Readable, Readable>

/** Never rejects: a program that cannot be started is a result like any other. */
export function runHook(argv: readonly string[], run: HookRun, options: HookOptions): Promise<HookResult> {
  const [program = '', ...rest] = argv
  return new Promise((resolve) => {
    try {
      const child = spawn(program, rest, {
        shell: false,
        windowsHide: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: environmentOf(run, options.path),
      })
      watch(child, program, options, resolve)
    } catch (error) {
      resolve(notStarted(program, error))
    }
  })
}

function watch(child: Child, program: string, options: HookOptions, resolve: (result: HookResult) => void): void {
  const { clock, timeout } = options
  const output = new Output()
  let expired = false
  let timer: Cancel = clock.after(timeout, () => {
    expired = true
    child.kill('SIGTERM')
    timer = clock.after(GRACE, () => {
      child.kill('SIGKILL')
    })
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => output.add(bytes))
    stream.on('error', () => {})
  }
  const finish = (result: HookResult): void => {
    timer()
    child.stdout.destroy()
    child.stderr.destroy()
    resolve(result)
  }
  child.on('error', (error) => finish(notStarted(program, error)))
  child.on('exit', (code, signal) => {
    const how = expired ? `killed after ${timeout} ms` : code === null ? `ended by ${signal}` : `exit code ${code}`
    const end = (): void => finish({ ok: code === 0 && !expired, detail: `${how}${output.shown()}` })
    // 'close' comes once its last words are read, or never: a program it left in the background may hold the pipes.
    child.on('close', end)
    timer()
    timer = clock.after(LAST_WORDS, end)
  })
}

function environmentOf(run: HookRun, path: string): NodeJS.ProcessEnv {
  return {
    PATH: path,
    UNDERSTUDY_HOOK: run.hook,
    UNDERSTUDY_POOL: run.pool,
    UNDERSTUDY_FROM: run.from,
    UNDERSTUDY_TO: run.to,
    UNDERSTUDY_EPOCH: String(run.epoch),
  }
}

function notStarted(program: string, error: unknown): HookResult {
  const why = error instanceof Error ? error.message : String(error)
  return { ok: false, detail: `${program || 'the program'} cannot be started: ${why}` }
}

/** The end of what a program printed: errors come last. */
class Output {
  private kept: Buffer = Buffer.alloc(0)

  add(bytes: Buffer): void {
    this.kept = Buffer.concat([this.kept, bytes])
    if (this.kept.length > MAX_OUTPUT) this.kept = Buffer.from(this.kept.subarray(-MAX_OUTPUT))
  }

  /** On one line and without control characters: it goes into logs and onto terminals. */
  shown(): string {
    const line = this.kept
      .toString('utf8')
      .replace(/[\p{Cc}\s]+/gu, ' ')
      .trim()
    if (line === '') return ''
    return `: ${line.length > SHOWN ? `…${line.slice(-SHOWN)}` : line}`
  }
}
