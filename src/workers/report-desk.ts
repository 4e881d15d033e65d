/** When the reports of one worker leave: soon, or at the end of this turn of the event loop. */
import type { Cancel, Clock } from '../core/time.ts'
import type { PoolReport } from './messages.ts'
import type { PoolReporter, ReportDesk } from './pool-reporter.ts'

/** Good news may be so old, ms: well below the shortest silence that means something. */
const SOON = 5

export type ReportDeskOptions = Readonly<{
  clock: Clock
  /** Calls `flush` at the end of this turn of the event loop. */
  atEndOfTurn(sender: Readonly<{ flush(): void }>): void
  send(report: PoolReport): void
}>

export class Desk implements ReportDesk {
  private readonly options: ReportDeskOptions
  private readonly waiting = new Set<PoolReporter>()
  private timer: Cancel | null = null
  private ending = false

  constructor(options: ReportDeskOptions) {
    this.options = options
  }

  due(reporter: PoolReporter, urgent: boolean): void {
    this.waiting.add(reporter)
    if (!urgent) this.timer ??= this.options.clock.after(SOON, () => this.flush())
    else if (!this.ending) {
      this.ending = true
      this.options.atEndOfTurn(this)
    }
  }

  /** Answers a new route, with all that is known until now. */
  confirm(reporter: PoolReporter): void {
    this.waiting.delete(reporter)
    this.options.send(reporter.report(this.options.clock.now()))
  }

  flush(): void {
    this.timer?.()
    this.timer = null
    this.ending = false
    const reporters = [...this.waiting]
    this.waiting.clear()
    for (const reporter of reporters) this.options.send(reporter.report(null))
  }
}
