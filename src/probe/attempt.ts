/** What all probes have in common, whatever they talk to: wait no longer than the deadline, let go, report once. */
import type { FailureKind } from '../core/failure.ts'
import type { ProbeResult, ProbeVerdict } from '../core/health.ts'
import type { Cancel } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { ProbeLimits } from './probe.ts'

/** A result before its time is known. */
export type Finding = Readonly<{ verdict: ProbeVerdict; failure: FailureKind | null; detail: string }>

export const passed = (detail: string): Finding => ({ verdict: 'pass', failure: null, detail })
export const leaving = (detail: string): Finding => ({ verdict: 'leaving', failure: null, detail })
export const failed = (failure: FailureKind | null, detail: string): Finding => ({ verdict: 'fail', failure, detail })

type Duties = Readonly<{
  /** The deadline has passed. */
  expired: () => Finding
  /** Lets go of everything that the probe holds: a socket, a process. Comes before the report. */
  release: () => void
}>

export class Attempt {
  over = false
  private readonly limits: ProbeLimits
  private readonly done: (result: ProbeResult) => void
  private readonly duties: Duties
  private readonly startedAt: number
  private timer: Cancel = () => {}

  constructor(limits: ProbeLimits, done: (result: ProbeResult) => void, duties: Duties) {
    this.limits = limits
    this.done = done
    this.duties = duties
    this.startedAt = limits.clock.now()
    this.endAfter(limits.timeout, duties.expired)
  }

  get elapsed(): number {
    return this.limits.clock.now() - this.startedAt
  }

  /** Ends with that finding in so many ms, in place of the deadline, unless another one comes first. */
  endAfter(delay: number, finding: () => Finding): void {
    this.timer()
    // Timers run before I/O: after a standstill of our own the answer may lie unread in the socket's buffer.
    const { clock } = this.limits
    const timer = clock.after(delay, () =>
      clock.afterPendingIo(() => {
        // That I/O may have brought the end itself, or another time for it.
        if (!this.over && this.timer === timer) this.finish(finding())
      }),
    )
    this.timer = timer
  }

  cancel(): void {
    if (this.over) return
    this.over = true
    this.timer()
    this.duties.release()
  }

  finish(finding: Finding): void {
    if (this.over) return
    this.cancel()
    this.done({ ...finding, latency: ms(this.elapsed) })
  }
}
