/**
 * Runs an operator's program, which decides by its exit code: 0 fit, 1 unfit, 2 about to leave. With a deadline, and with
 * bounded output. It has a process group of its own, and nothing of that outlives the probe.
 */
import type { ProbeResult } from '../core/health.ts'
import type { Cancel } from '../core/time.ts'
import type { Program, ProgramWatcher } from '../runtime/program.ts'
import { MAX_OUTPUT, startProgram } from '../runtime/program.ts'
import type { Finding } from './attempt.ts'
import { Attempt, failed, leaving, passed } from './attempt.ts'
import type { Probe, ProbeLimits, ProbeTarget } from './probe.ts'
import { quotation } from './quotation.ts'

export type ExecProbeOptions = Readonly<{
  /** The program, and its arguments as they are. */
  command: readonly string[]
  /** Where programs are looked for. */
  path: string
}>

export function execProbe(options: ExecProbeOptions): Probe {
  return (target, limits, done) => new Run(limits, done).begin(options, target)
}

class Run implements ProgramWatcher {
  private readonly attempt: Attempt
  private program: Program | null = null
  private output: Buffer = Buffer.alloc(0)
  private end: (() => Finding) | null = null

  constructor(limits: ProbeLimits, done: (result: ProbeResult) => void) {
    this.attempt = new Attempt(limits, done, {
      expired: () => failed('timeout', `the program was still running after ${limits.timeout} ms`),
      release: () => this.release(),
    })
  }

  begin({ command, path }: ExecProbeOptions, target: ProbeTarget): Cancel {
    this.program = startProgram({ argv: command, env: environmentOf(target, path), ownGroup: true }, this)
    return () => this.attempt.cancel()
  }

  /** The rest is read and dropped, so that the program need not wait for its reader. */
  onOutput(bytes: Buffer): void {
    const room = MAX_OUTPUT - this.output.length
    if (room > 0) this.output = Buffer.concat([this.output, bytes.subarray(0, room)])
  }

  /** That is our failure, and says nothing about the upstream. */
  onUnstarted(why: string): void {
    this.attempt.finish(failed('aborted', why))
  }

  onExit(code: number | null, signal: string | null, lastWords: number): void {
    if (this.attempt.over) return
    this.end = () => this.judge(code, signal)
    this.attempt.endAfter(lastWords, this.end)
  }

  onRead(): void {
    if (this.end) this.attempt.finish(this.end())
  }

  private judge(code: number | null, signal: string | null): Finding {
    const how = code === null ? `ended by ${signal}` : `exit code ${code} in ${Math.round(this.attempt.elapsed)} ms`
    const [first = ''] = this.output.toString('utf8').split('\n')
    const detail = first.trim() === '' ? how : `${how}: ${quotation(first)}`
    if (code === 0) return passed(detail)
    return code === 2 ? leaving(detail) : failed(null, detail)
  }

  /** Without a grace: what a probe does must bear being cut off. */
  private release(): void {
    this.program?.letGo()
    this.program?.killGroup()
  }
}

function environmentOf({ id, host, port, socketPath }: ProbeTarget, path: string): NodeJS.ProcessEnv {
  return {
    PATH: path,
    UNDERSTUDY_UPSTREAM: id,
    UNDERSTUDY_HOST: socketPath ?? host,
    UNDERSTUDY_PORT: socketPath === undefined ? String(port) : '',
  }
}
