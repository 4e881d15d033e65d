/** Asks a silent HTTP/2 connection whether it is alive (PING, RFC 9113 §6.7). */
import type { ClientHttp2Session } from 'node:http2'
import type { Clock, Millis } from '../core/time.ts'

/** Silent for this long with streams open: it is asked. */
const QUIET_FOR = 5_000
const ANSWER_WITHIN = 5_000
/**
 * Servers of gRPC close a connection (`too_many_pings`) for more than two PINGs in a row, with nothing of their own in
 * between, that are less than five minutes apart. A stream may rightly be silent for hours.
 */
const PINGS_IN_A_ROW = 2
const QUIET_AFTER_PINGS = 310_000

export class Http2Liveness {
  /** When the upstream was last heard of. */
  heardAt: Millis
  private readonly clock: Clock
  private askedAt: Millis | null = null
  /** Answers since anything else came. */
  private answers = 0

  constructor(clock: Clock) {
    this.clock = clock
    this.heardAt = clock.now()
  }

  heard(): void {
    this.heardAt = this.clock.now()
    this.answers = 0
  }

  /** Returns false when it did not answer. Only for connections with streams open: others may be silent. */
  check(session: ClientHttp2Session, now: Millis, onAnswer: () => void): boolean {
    if (this.askedAt !== null) return now - Math.max(this.askedAt, this.heardAt) <= ANSWER_WITHIN
    const quietFor = this.answers < PINGS_IN_A_ROW ? QUIET_FOR : QUIET_AFTER_PINGS
    if (now - this.heardAt <= quietFor) return true
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
