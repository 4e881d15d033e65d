/**
 * The last probes and failed attempts of one upstream, kept so that a decision can be explained. Nothing is kept of
 * requests that succeed: they would cost all of them something, and explain nothing.
 */
import type { SeenAttempt, SeenProbe } from '../core/grounds.ts'
import type { ProbeResult } from '../core/health.ts'
import type { Millis } from '../core/time.ts'

const KEPT = 10

export class Recent {
  private readonly ended: SeenProbe[] = []
  private readonly failed: SeenAttempt[] = []
  /** When probes were sent that are still under way. */
  private readonly pending: Millis[] = []

  probeSent(at: Millis): void {
    this.pending.push(at)
    // One that was called off never ends.
    if (this.pending.length > KEPT) this.pending.shift()
  }

  probeEnded(sentAt: Millis, { verdict, detail, latency }: ProbeResult): void {
    const index = this.pending.indexOf(sentAt)
    if (index >= 0) this.pending.splice(index, 1)
    keep(this.ended, { at: sentAt, verdict, detail, latency })
  }

  attemptFailed(attempt: SeenAttempt): void {
    keep(this.failed, attempt)
  }

  /** Oldest first; probes that are still unanswered come last. */
  probes(now: Millis): readonly SeenProbe[] {
    const unanswered = this.pending.map((at): SeenProbe => {
      return { at, verdict: 'unanswered', detail: 'no answer yet', latency: now - at }
    })
    return [...this.ended, ...unanswered].slice(-KEPT)
  }

  failedAttempts(): readonly SeenAttempt[] {
    return [...this.failed]
  }
}

function keep<Entry>(entries: Entry[], entry: Entry): void {
  entries.push(entry)
  if (entries.length > KEPT) entries.shift()
}
