/** Asks a silent HTTP/2 connection whether it is alive (PING, RFC 9113 §6.7). */
import type { Clock, Millis } from '../core/time.ts'

export interface Pinged {
  ping(answered: (error: Error | null) => void): unknown
}

export type Pace = Readonly<{
  /** Silent for this long with streams open: it is asked. */
  quietFor: number
  answerWithin: number
  /** Once it has only answered PINGs for a while. A stream may rightly be silent for hours. */
  quietAfterPings: number
}>

/**
 * Servers of gRPC close a connection (`too_many_pings`) for more than two PINGs in a row, with nothing of their own in
 * between, that are less than five minutes apart.
 */
export const TOWARDS_UPSTREAMS: Pace = { quietFor: 5_000, answerWithin: 5_000, quietAfterPings: 310_000 }
const PINGS_IN_A_ROW = 2

export class Http2Liveness {
  /** When the other side was last heard of. */
  heardAt: Millis
  private readonly clock: Clock
  private readonly pace: Pace
  private askedAt: Millis | null = null
  /** Answers since anything else came. */
  private answers = 0

  constructor(clock: Clock, pace: Pace) {
    this.clock = clock
    this.pace = pace
    this.heardAt = clock.now()
  }

  heard(): void {
    this.heardAt = this.clock.now()
    this.answers = 0
  }

  /** Returns false when it did not answer. Only for connections with streams open: others may be silent. */
  check(session: Pinged, now: Millis, onAnswer: () => void): boolean {
    const { quietFor, answerWithin, quietAfterPings } = this.pace
    if (this.askedAt !== null) return now - Math.max(this.askedAt, this.heardAt) <= answerWithin
    if (now - this.heardAt <= (this.answers < PINGS_IN_A_ROW ? quietFor : quietAfterPings)) return true
    this.askedAt = now
    session.ping((error) => {
      this.askedAt = null
      if (error) return
      this.heardAt = this.clock.now()
      this.answers++
      onAnswer()
    })
    return true
  }
}
