/**
 * Runs an operator's program during a switch. With a deadline and with bounded output: a hook can fail a switch, but it
 * cannot hang or flood the proxy.
 */
import type { Cancel, Clock } from '../core/time.ts'
import type { HookRun } from './pool-runtime.ts'
import { MAX_OUTPUT, startProgram } from './program.ts'

export type HookOptions = Readonly<{
  timeout: number
  /** Where programs are looked for: the only variable that is handed on. */
  path: string
  clock: Clock
}>

export type HookResult = Readonly<{ ok: boolean; detail: string }>

/** From SIGTERM to SIGKILL. */
const GRACE = 1_000
/** Of the output, in the detail that people read. */
const SHOWN = 300

/** Never rejects: a program that cannot be started is a result like any other. */
export function runHook(argv: readonly string[], run: HookRun, options: HookOptions): Promise<HookResult> {
  return new Promise((resolve) => runWithin(options, { argv, env: environmentOf(run, options.path) }, resolve))
}

function runWithin(
  { clock, timeout }: HookOptions,
  what: Readonly<{ argv: readonly string[]; env: NodeJS.ProcessEnv }>,
  resolve: (result: HookResult) => void,
): void {
  const output = new Output()
  let expired = false
  let end = (): void => {}
  const finish = (result: HookResult): void => {
    timer()
    program.letGo()
    resolve(result)
  }
  const program = startProgram(
    { ...what, ownGroup: false },
    {
      onOutput: (bytes) => output.add(bytes),
      onUnstarted: (detail) => finish({ ok: false, detail }),
      onExit: (code, signal, lastWords) => {
        const how = expired ? `killed after ${timeout} ms` : code === null ? `ended by ${signal}` : `exit code ${code}`
        end = () => finish({ ok: code === 0 && !expired, detail: `${how}${output.shown()}` })
        timer()
        timer = clock.after(lastWords, end)
      },
      onRead: () => end(),
    },
  )
  let timer: Cancel = clock.after(timeout, () => {
    expired = true
    program.kill('SIGTERM')
    timer = clock.after(GRACE, () => program.kill('SIGKILL'))
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
