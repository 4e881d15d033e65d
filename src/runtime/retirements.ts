/** Former actives whose traffic is coming to its end: each has its deadlines, unless it becomes active again. */
import type { Retirement } from '../core/events.ts'
import type { Cancel, Clock } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { UpstreamLedger } from './ledger.ts'

export class Retirements {
  private readonly clock: Clock
  private readonly pending = new Map<UpstreamId, readonly Cancel[]>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  begin({ id, traffic }: UpstreamLedger, { waiting, finishBy, tunnelsBy, spread }: Retirement): void {
    this.cancel(id)
    const now = this.clock.now()
    this.pending.set(id, [
      this.clock.after(tunnelsBy - now, () => {
        for (const control of traffic) control.closeTunnels(spread)
      }),
      this.clock.after(finishBy - now, () => {
        for (const control of traffic) control.closeRequests()
      }),
    ])
    if (waiting === 'abandon') for (const control of traffic) control.abandonWaiting(`${id} was given up`)
  }

  cancel(id: UpstreamId): void {
    for (const cancel of this.pending.get(id) ?? []) cancel()
    this.pending.delete(id)
  }

  stop(): void {
    for (const id of [...this.pending.keys()]) this.cancel(id)
  }
}
