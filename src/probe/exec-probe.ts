/**
 * Runs an operator's program, which decides by its exit code: 0 fit, 1 unfit, 2 about to leave. Without a shell, with a
 * listed environment, with a deadline, and with bounded output. It has a process group of its own, and nothing of that
 * outlives the probe.
 */
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { kill } from 'node:process'
import type { Readable } from 'node:stream'
import type { ProbeResult } from '../core/health.ts'
import type { Cancel } from '../core/time.ts'
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

/** Of the output; the rest is read and dropped, so that the program need not wait for its reader. */
const MAX_OUTPUT = 4_096
/** For what a program that has ended may still have in its pipes. */
const LAST_WORDS = 100

type Child = ChildProcessByStdio<null, Readable, Readable>

export function execProbe(options: ExecProbeOptions): Probe {
  return (target, limits, done) => new Run(limits, done).begin(options, target)
}

class Run {
  private readonly attempt: Attempt
  private readonly limits: ProbeLimits
  private child: Child | null = null
  private output: Buffer = Buffer.alloc(0)

  constructor(limits: ProbeLimits, done: (result: ProbeResult) => void) {
    this.limits = limits
    this.attempt = new Attempt(limits, done, {
      expired: () => failed('timeout', `the program was still running after ${limits.timeout} ms`),
      release: () => this.release(),
    })
  }

  begin({ command, path }: ExecProbeOptions, target: ProbeTarget): Cancel {
    const [program = '', ...rest] = command
    const notStarted = (error: unknown): void => this.attempt.finish(unstarted(program, error))
    try {
      const child = spawn(program, rest, {
        shell: false,
        windowsHide: true,
        // A process group of its own, that can be ended as a whole.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: environmentOf(target, path),
      })
      child.on('error', notStarted)
      this.watch(child)
      this.child = child
    } catch (error) {
      this.limits.clock.afterPendingIo(() => notStarted(error))
    }
    return () => this.attempt.cancel()
  }

  private watch(child: Child): void {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        const room = MAX_OUTPUT - this.output.length
        if (room > 0) this.output = Buffer.concat([this.output, bytes.subarray(0, room)])
      })
      stream.on('error', () => {})
    }
    child.on('exit', (code, signal) => {
      if (this.attempt.over) return
      const end = (): Finding => this.judge(code, signal)
      // 'close' comes once its last words are read, or never: a program it left in the background may hold the pipes.
      child.on('close', () => this.attempt.finish(end()))
      this.attempt.endAfter(LAST_WORDS, end)
    })
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
    const { child } = this
    child?.stdout.destroy()
    child?.stderr.destroy()
    // Without a process there is no group, and zero would mean our own.
    if (!child?.pid) return
    try {
      // A negative number means the group: `child.kill` would leave what the program itself has started.
      kill(-child.pid, 'SIGKILL')
    } catch {
      // Nobody of the group is left.
    }
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

/** That is our failure, and says nothing about the upstream. */
function unstarted(program: string, error: unknown): Finding {
  const why = error instanceof Error ? error.message : String(error)
  return failed('aborted', `${program || 'the program'} cannot be started: ${why}`)
}
