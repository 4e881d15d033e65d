/**
 * Drives rule R3 on the active upstream of one pool: looks for silence every 20 ms, asks for confirming and control
 * probes, and convicts only after pending I/O has been read. Discards everything after a standstill of our own.
 */
import { Suspicion } from '../core/suspicion.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolCounters } from './counters.ts'
import type { UpstreamLedger } from './ledger.ts'

export type HangWatchDuties = Readonly<{
  active(): UpstreamLedger | null
  ledgers(): Iterable<UpstreamLedger>
  /** Probe the suspect and the standbys, each on a fresh socket. */
  probe(): void
  convict(ledger: UpstreamLedger, detail: string): void
  counters: PoolCounters
}>

const INTERVAL = 20
/** Between two looks this much more than the interval means that we stood still, not they. */
const OWN_STALL = 100

export class HangWatch {
  private readonly suspicion: Suspicion
  private readonly clock: Clock
  private readonly duties: HangWatchDuties
  /** Probes under way, by upstream: when the oldest of them was sent. */
  private readonly pending = new Map<UpstreamId, Millis[]>()
  private lastLook: Millis
  private cancel: Cancel | null = null

  constructor(hangAfter: number, clock: Clock, duties: HangWatchDuties) {
    this.suspicion = new Suspicion(hangAfter)
    this.clock = clock
    this.duties = duties
    this.lastLook = clock.now()
  }

  start(): void {
    this.lastLook = this.clock.now()
    this.cancel = this.clock.every(INTERVAL, () => this.look())
  }

  stop(): void {
    this.cancel?.()
  }

  reset(): void {
    this.suspicion.reset()
  }

  probeStarted(id: UpstreamId, at: Millis): void {
    const sent = this.pending.get(id)
    if (sent) sent.push(at)
    else this.pending.set(id, [at])
  }

  probeEnded(id: UpstreamId, sentAt: Millis, answered: boolean): void {
    const sent = this.pending.get(id) ?? []
    const index = sent.indexOf(sentAt)
    if (index >= 0) sent.splice(index, 1)
    if (answered && this.duties.active()?.id !== id) this.suspicion.controlPassed(sentAt)
  }

  private look(): void {
    const now = this.clock.now()
    const stall = now - this.lastLook - INTERVAL
    this.lastLook = now
    if (stall >= OWN_STALL) return this.discard(now)
    const ledger = this.duties.active()
    if (!ledger) return this.suspicion.reset()
    switch (this.check(ledger, now)) {
      case 'none':
        return
      case 'refuted':
        this.duties.counters.refuted++
        return
      case 'confirm':
        this.duties.counters.suspicions++
        return this.duties.probe()
      case 'confirm-again':
        return this.duties.probe()
      case 'convict':
        // Timers run before I/O: the answer that refutes may lie in a socket buffer, unread.
        return this.clock.afterPendingIo(() => this.convictIfStillSilent(ledger))
    }
  }

  private convictIfStillSilent(ledger: UpstreamLedger): void {
    if (this.duties.active() !== ledger || !this.suspicion.suspected) return
    const now = this.clock.now()
    const step = this.check(ledger, now)
    if (step === 'refuted') this.duties.counters.refuted++
    if (step !== 'convict') return
    this.suspicion.reset()
    const silence = Math.round(now - ledger.evidence.lastByteAt)
    const detail = `no byte for ${silence} ms with ${ledger.inFlight} requests in flight; probes unanswered; a standby answered`
    this.duties.convict(ledger, detail)
  }

  private check(ledger: UpstreamLedger, now: Millis) {
    const probing = this.pending.get(ledger.id)?.[0] ?? null
    return this.suspicion.check(ledger.evidence.silentSince(probing), ledger.evidence.lastByteAt, now)
  }

  private discard(now: Millis): void {
    this.suspicion.reset()
    for (const ledger of this.duties.ledgers()) ledger.evidence.forget(now)
  }
}
