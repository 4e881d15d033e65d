/** Two transports joined: bytes, half-closes and backpressure pass through; when one side breaks, so does the other. */
import type { Millis } from '../core/time.ts'
import type { Sweeper, Swept } from './sweeper.ts'
import type { Transport } from './transport.ts'

/** What one end of a tunnel hears. */
export interface TunnelEnd {
  onTunnelBytes(bytes: Buffer, length: number): void
  onTunnelEnd(): void
  onTunnelWritable(): void
  onTunnelClosed(): void
}

/** Reads of this size are worth a buffer of their own. What only ever says little shares one: tunnels are many, and idle. */
const BULK = 16_384

export class Splice implements Swept {
  readonly left: TunnelEnd
  readonly right: TunnelEnd
  /** Closed because nothing had passed for too long. */
  idled = false
  private readonly transports: readonly [Transport, Transport]
  private ended = 0
  private active = true
  private quietSince: Millis
  private open = true
  private readonly idleFor: number
  private readonly sweeper: Sweeper
  private readonly onEnd: () => void

  constructor(
    left: Transport,
    right: Transport,
    setup: Readonly<{ idleFor: number; sweeper: Sweeper; onEnd: () => void }>,
  ) {
    this.transports = [left, right]
    this.idleFor = setup.idleFor
    this.sweeper = setup.sweeper
    this.onEnd = setup.onEnd
    this.quietSince = this.sweeper.clock.now()
    this.sweeper.add(this)
    this.left = this.side(left, right)
    this.right = this.side(right, left)
  }

  /** Closes it once nothing has passed for `idleFor` ms. */
  sweep(now: Millis): void {
    if (this.active) this.quietSince = now
    this.active = false
    if (now - this.quietSince <= this.idleFor) return
    this.idled = true
    this.close()
  }

  close(): void {
    for (const transport of this.transports) transport.destroy()
  }

  private side(own: Transport, other: Transport): TunnelEnd {
    return {
      onTunnelBytes: (bytes, length) => {
        this.active = true
        if (length >= BULK) own.startStream()
        if (!other.writeFrom(own, bytes, 0, length)) own.pause()
      },
      onTunnelEnd: () => {
        other.end()
        if (++this.ended === 2) this.finish()
      },
      onTunnelWritable: () => other.resume(),
      onTunnelClosed: () => {
        if (this.ended < 2) other.destroy()
        this.finish()
      },
    }
  }

  private finish(): void {
    if (!this.open) return
    this.open = false
    this.sweeper.remove(this)
    this.onEnd()
  }
}
