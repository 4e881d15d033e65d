/** One upstream as the simulated proxy uses it: its connections, its attempts, its probes. */
import type { ProbeResult } from '../../src/core/health.ts'
import type { Cancel } from '../../src/core/time.ts'
import { failed, Attempt as ProbeAttempt, passed } from '../../src/probe/attempt.ts'
import type { ProbeLimits } from '../../src/probe/probe.ts'
import type { UpstreamLedger } from '../../src/runtime/ledger.ts'
import type { FakeClock } from '../support/fake-clock.ts'
import type { Kind } from './load.ts'
import type { Client, Origin, Reply } from './origin.ts'
import type { Random } from './randomness.ts'
import type { SimulatedAttempt } from './simulated-attempt.ts'

/** One connection in a hundred is closed after its answer, so that there are always a few connects. */
const CLOSED_AFTER = 0.01
const MOST_IDLE = 64
const OK: Reply = { status: 200, whole: true }
const ERROR: Reply = { status: 500, whole: true }

export class Side {
  readonly ledger: UpstreamLedger
  readonly origin: Origin
  readonly clock: FakeClock
  readonly random: Random
  readonly attempts = new Set<SimulatedAttempt>()
  private idle = 0

  constructor(ledger: UpstreamLedger, origin: Origin, clock: FakeClock, random: Random) {
    this.ledger = ledger
    this.origin = origin
    this.clock = clock
    this.random = random
  }

  takeConnection(): boolean {
    if (this.idle === 0) return false
    this.idle--
    return true
  }

  returnConnection(): void {
    if (this.idle < MOST_IDLE && this.random() >= CLOSED_AFTER) this.idle++
  }

  replyFor({ failing }: Kind): Reply {
    return failing > 0 && this.random() < failing ? ERROR : OK
  }

  /** An HTTP probe on a fresh connection, as `probe/http-probe.ts` would report it. */
  probe(limits: ProbeLimits, done: (result: ProbeResult) => void): Cancel {
    const { origin } = this
    let connecting: Cancel = () => {}
    const client: Client = {
      onConnected: () => attempt.over || origin.probe(client),
      onReply: ({ status }) => attempt.finish(status === 200 ? passed('200') : failed(null, `answered ${status}`)),
      onBroken: (kind) => attempt.finish(failed(kind, kind)),
    }
    const attempt = new ProbeAttempt(limits, done, {
      expired: () => failed('timeout', `no answer within ${limits.timeout} ms`),
      release: () => {
        connecting()
        origin.forget(client)
      },
    })
    connecting = origin.connect(client)
    return () => attempt.cancel()
  }
}
